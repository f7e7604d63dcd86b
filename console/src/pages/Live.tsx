import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import ColumnLayout from "@cloudscape-design/components/column-layout";
import Container from "@cloudscape-design/components/container";
import ContentLayout from "@cloudscape-design/components/content-layout";
import Header from "@cloudscape-design/components/header";
import SegmentedControl from "@cloudscape-design/components/segmented-control";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import TableView from "@cloudscape-design/components/table";
import { useMemo, useState } from "react";
import { useLoaded, type Stream } from "../api";
import { ago, clock, measure as formatMeasure, rate, title } from "../format";
import { gapAfter, useLiveFeed, type LiveFeed } from "../live";
import { seriesColors, useLook } from "../look";
import { TimeChart, type View } from "../parts/TimeChart";
import { Await, Empty } from "../parts/states";
import { replace, useRoute } from "../route";

// More lines than this tell a reader nothing; the rest is a click away in the legend and the table.
const LINES_AT_FIRST = 12;

export function Live() {
  const streams = useLoaded<Stream[]>("/api/streams", 10_000);
  return (
    <ContentLayout header={<Header variant="h1" description="What the devices measure, as it arrives in the stream.">Live</Header>}>
      <Await from={streams}>
        {(value) =>
          value.length === 0 ? (
            <Container>
              <Empty title="There is no stream yet">
                Deploy a pipeline (<code>wellhead up pipelines/oilfield.yaml</code>) or create a stream with any Kinesis client.
              </Empty>
            </Container>
          ) : (
            <FollowedStream streams={value.map((stream) => stream.name)} />
          )
        }
      </Await>
    </ContentLayout>
  );
}

function FollowedStream({ streams }: { streams: string[] }) {
  const { query } = useRoute();
  const asked = query.get("stream");
  const stream = asked !== null && streams.includes(asked) ? asked : streams[0]!;
  const feed = useLiveFeed(stream);
  if (!feed) return null;
  return (
    <LiveCharts feed={feed} height={270} spanMs={120_000}
      picker={streams.length > 1 && (
        <Select selectedOption={{ value: stream }} options={streams.map((value) => ({ value }))}
          onChange={({ detail }) => replace("/live-charts?stream=" + encodeURIComponent(detail.selectedOption.value!))} />
      )} />
  );
}

interface ChartsProps {
  feed: LiveFeed;
  height: number;
  spanMs: number;
  brief?: boolean;
  picker?: React.ReactNode;
}

export function LiveCharts({ feed, height, spanMs, brief, picker }: ChartsProps) {
  const look = useLook();
  const [view, setView] = useState<View>({ spanMs });
  const [hidden, setHidden] = useState<Set<string>>();
  const [emphasized, setEmphasized] = useState<string>();
  const devices = feed.devices;
  const colorOf = (device: string) => Math.max(0, devices.indexOf(device));
  const off = hidden ?? new Set(devices.slice(LINES_AT_FIRST));
  const shown = useMemo(() => devices.filter((device) => !off.has(device)), [devices.join("\n"), hidden]);
  const paused = view.fixed !== undefined;
  const pause = () => {
    const now = feed.now();
    setView({ ...view, fixed: [now - view.spanMs, now] });
  };
  const resume = () => setView({ spanMs: view.spanMs });
  const toggle = (device: string, alone: boolean) => {
    if (alone) {
      const only = new Set(devices.filter((each) => each !== device));
      setHidden(only.size === off.size && !off.has(device) ? new Set() : only);
      return;
    }
    const next = new Set(off);
    if (!next.delete(device)) next.add(device);
    setHidden(next);
  };
  const shift = (direction: number) => {
    if (!view.fixed) return;
    const step = (view.fixed[1] - view.fixed[0]) / 2;
    setView({ ...view, fixed: [view.fixed[0] + direction * step, view.fixed[1] + direction * step] });
  };
  if (feed.devices.length === 0) {
    return (
      <Container>
        {feed.status.error && <Alert type="error">{feed.status.error}</Alert>}
        <Empty title={feed.status.connected ? "Waiting for the first reading" : "Connecting to the live feed"}>
          Readings are JSON objects with numbers in them, best with a <code>timestamp</code> and the name of the device.
          Start ten wells with <code>wellhead simulate</code>.
        </Empty>
      </Container>
    );
  }
  const delay = feed.delay();
  const legend = (
    <div className="legend" role="group" aria-label="Devices on the charts">
      {devices.slice(0, 60).map((device) => (
        <button key={device} type="button" aria-pressed={!off.has(device)} title="Click: show or hide. Double click: this one alone."
          onClick={() => toggle(device, false)} onDoubleClick={() => toggle(device, true)}
          onMouseEnter={() => !off.has(device) && setEmphasized(device)} onMouseLeave={() => setEmphasized(undefined)}>
          <i style={{ background: seriesColors[look][colorOf(device) % 10] }} />
          {device}
        </button>
      ))}
      {off.size > 0 && <button type="button" onClick={() => setHidden(new Set())}>Show all</button>}
    </div>
  );
  return (
    <SpaceBetween size="l">
      {!feed.status.connected && feed.status.everConnected && (
        <Alert type="warning" header="The live feed is interrupted">Trying to connect again. What was missed is fetched then.</Alert>
      )}
      {feed.status.error && <Alert type="error">{feed.status.error}</Alert>}
      <Container
        header={
          <Header variant="h2"
            actions={
              <SpaceBetween direction="horizontal" size="xs">
                {picker}
                {paused && <Button iconName="angle-left" ariaLabel="Earlier" onClick={() => shift(-1)} />}
                {paused && <Button iconName="angle-right" ariaLabel="Later" onClick={() => shift(1)} />}
                <SegmentedControl selectedId={paused ? null : String(view.spanMs)} label="Time shown"
                  options={[[30_000, "30 s"], [120_000, "2 min"], [300_000, "5 min"], [900_000, "15 min"]].map(([ms, text]) => ({ id: String(ms), text: text as string }))}
                  onChange={({ detail }) => setView({ spanMs: Number(detail.selectedId) })} />
                <Button iconName={paused ? "caret-right-filled" : undefined} variant={paused ? "primary" : "normal"} onClick={paused ? resume : pause}>
                  {paused ? "Resume" : "Pause"}
                </Button>
              </SpaceBetween>
            }
            description={
              <span className="numbers">
                {paused ? (
                  <StatusIndicator type="stopped">{`Paused at ${clock(view.fixed![0])} to ${clock(view.fixed![1])}`}</StatusIndicator>
                ) : feed.status.connected ? (
                  <StatusIndicator type="success">{`Live, ${rate(feed.rate())} readings/s${delay === undefined ? "" : `, ${delay.toFixed(0)} ms behind the stream`}`}</StatusIndicator>
                ) : (
                  <StatusIndicator type="pending">Connecting</StatusIndicator>
                )}
                {feed.status.dropped > 0 && ` · ${feed.status.dropped} frames left out, this page was too slow`}
              </span>
            }
          >
            {brief ? "Live" : feed.stream}
          </Header>
        }
        footer={legend}
      >
        <ColumnLayout columns={brief ? Math.min(2, feed.measures.length) as 1 | 2 : 1}>
          {feed.measures.slice(0, brief ? 2 : 8).map((measure) => (
            <div key={measure}>
              <Box variant="h3" padding={{ bottom: "xxs" }}>{title(measure)}</Box>
              <TimeChart feed={feed} measure={measure} devices={shown} colorOf={colorOf} emphasized={emphasized} view={view} height={height}
                onZoom={(fixed) => setView({ ...view, fixed })} onReset={resume} />
            </div>
          ))}
        </ColumnLayout>
        {!brief && <div className="chart-foot">Drag over a chart to zoom in, double click to go back to live. A gap in a line is a time without readings.</div>}
      </Container>
      {!brief && <LastValues feed={feed} off={off} toggle={(device) => toggle(device, false)} hover={setEmphasized} />}
    </SpaceBetween>
  );
}

interface Row {
  device: string;
  index: number;
  seen: number;
}

function LastValues({ feed, off, toggle, hover }: { feed: LiveFeed; off: Set<string>; toggle: (device: string) => void; hover: (device?: string) => void }) {
  const look = useLook();
  const [sort, setSort] = useState<{ id: string; descending: boolean }>({ id: "device", descending: false });
  const now = feed.now();
  const rows: Row[] = feed.devices.map((device, index) => ({ device, index, seen: feed.seen(device) ?? 0 }));
  if (sort.id !== "device") {
    const value = (row: { device: string; seen: number }) => sort.id === "seen" ? row.seen : feed.latest(sort.id, row.device) ?? -Infinity;
    rows.sort((a, b) => value(a) - value(b));
  }
  if (sort.descending) rows.reverse();
  const silent = (device: string, seen: number) => {
    const series = feed.measures.map((measure) => feed.get(measure, device)).find((each) => each !== undefined);
    return now - seen > Math.max(5000, series ? 2 * gapAfter(series) : 0);
  };
  return (
    <TableView
      header={<Header variant="h2" counter={`(${rows.length})`}>Last values</Header>}
      variant="container"
      items={rows}
      trackBy="device"
      sortingColumn={{ sortingField: sort.id }}
      sortingDescending={sort.descending}
      onSortingChange={({ detail }) => setSort({ id: detail.sortingColumn.sortingField!, descending: detail.isDescending ?? false })}
      columnDefinitions={[
        {
          id: "device", header: "Device", sortingField: "device",
          cell: (row) => (
            <label className="shown" onMouseEnter={() => hover(row.device)} onMouseLeave={() => hover()}>
              <input type="checkbox" checked={!off.has(row.device)} onChange={() => toggle(row.device)}
                aria-label={`Show ${row.device} on the charts`} />
              <i className="swatch" style={{ background: seriesColors[look][row.index % 10] }} />{row.device}
            </label>
          ),
        },
        ...feed.measures.map((measure) => ({
          id: measure, header: title(measure), sortingField: measure,
          cell: (row: Row) => <span className="numbers">{formatMeasure(feed.latest(measure, row.device))}</span>,
        })),
        {
          id: "seen", header: "Last reading", sortingField: "seen",
          cell: (row) => silent(row.device, row.seen)
            ? <StatusIndicator type="warning">{ago(now - row.seen)} ago</StatusIndicator>
            : <StatusIndicator type="success">{clock(row.seen)}</StatusIndicator>,
        },
      ]}
    />
  );
}
