import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import ContentLayout from "@cloudscape-design/components/content-layout";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useLoaded, type Pipeline, type Stream } from "../api";
import { count, rate } from "../format";
import { useLiveFeed } from "../live";
import { PipelineMap } from "../parts/PipelineMap";
import { Await } from "../parts/states";
import { go } from "../route";
import { LiveCharts } from "./Live";

export function Overview() {
  const pipeline = useLoaded<Pipeline>("/api/pipeline", 1000);
  const streams = useLoaded<Stream[]>("/api/streams", 10_000);
  const stream = streams.value?.[0]?.name;
  const feed = useLiveFeed(stream);
  const flow = (from: string, to: string) =>
    pipeline.value?.flows.find((each) => each.from === from && each.to === to);
  const reporting = feed ? feed.devices.filter((device) => feed.now() - (feed.seen(device) ?? 0) < 10_000).length : 0;
  const delay = feed?.delay();
  return (
    <ContentLayout
      header={<Header variant="h1" description="From the sensor to the chart, and to SQL over everything that was ever measured."
        actions={<SpaceBetween direction="horizontal" size="xs">
          <Button onClick={() => go("/sql")}>Query history</Button>
          <Button variant="primary" onClick={() => go("/live-charts")}>Open live charts</Button>
        </SpaceBetween>}>Overview</Header>}
    >
      <SpaceBetween size="l">
        <Container>
          <div className="figures">
            <Figure name="Devices reporting" value={feed ? count(reporting) : "–"}
              unit={feed && feed.devices.length > reporting ? `of ${feed.devices.length}` : ""} />
            <Figure name="Readings into the stream" value={rate(flow("rules", "streams")?.rate ?? feed?.rate() ?? 0)} unit="/s" />
            <Figure name="Delay, stream to this page" value={delay === undefined ? "–" : delay.toFixed(0)} unit={delay === undefined ? "" : "ms"} />
            <Figure name="Readings since start" value={count(flow("rules", "streams")?.total ?? feed?.records ?? 0)} />
            <Figure name="Delivered to the bucket" value={count(flow("delivery", "buckets")?.total ?? 0)} unit="readings" />
          </div>
        </Container>
        <Container header={<Header variant="h2" description="Every arrow shows what passes it now.">Pipeline</Header>}>
          <Await from={pipeline}>{(value) => <PipelineMap pipeline={value} />}</Await>
        </Container>
        {feed && <LiveCharts feed={feed} height={190} spanMs={120_000} brief />}
      </SpaceBetween>
    </ContentLayout>
  );
}

function Figure({ name, value, unit }: { name: string; value: string; unit?: string }) {
  return (
    <div className="figure">
      <span>{name}</span>
      <b>{value} {unit && <small>{unit}</small>}</b>
    </div>
  );
}
