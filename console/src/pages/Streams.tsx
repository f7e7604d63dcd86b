import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import ContentLayout from "@cloudscape-design/components/content-layout";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import Link from "@cloudscape-design/components/link";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import TableView from "@cloudscape-design/components/table";
import { useState } from "react";
import { useLoaded, type Shard, type Stream, type StreamRecord } from "../api";
import { time } from "../format";
import { ListTable } from "../parts/ListTable";
import { Await, Empty } from "../parts/states";
import { follow, go, useRoute } from "../route";

function Status({ status }: { status: string }) {
  return <StatusIndicator type={status === "ACTIVE" ? "success" : status === "DELETING" ? "stopped" : "in-progress"}>{status}</StatusIndicator>;
}

export function Streams() {
  const streams = useLoaded<Stream[]>("/api/streams", 5_000);
  return (
    <ContentLayout header={<Header variant="h1" description="Durable, ordered logs: a record is on the disk before its writer hears of it.">Streams</Header>}>
      <ListTable
        title="Streams" from={streams} trackBy="name"
        empty={<Empty title="There is no stream yet">Deploy a pipeline or create one with any Kinesis client.</Empty>}
        columns={[
          { id: "name", header: "Name", sortingField: "name", isRowHeader: true,
            cell: (stream) => <Link href={"/stream?name=" + encodeURIComponent(stream.name)} onFollow={follow as never}>{stream.name}</Link> },
          { id: "status", header: "Status", sortingField: "status", cell: (stream) => <Status status={stream.status} /> },
          { id: "shards", header: "Open shards", sortingField: "openShards", cell: (stream) => stream.openShards },
          { id: "retention", header: "Retention", sortingField: "retentionHours", cell: (stream) => `${stream.retentionHours} h` },
          { id: "consumers", header: "Consumers", sortingField: "consumers", cell: (stream) => stream.consumers },
          { id: "created", header: "Created", sortingField: "created", cell: (stream) => time(stream.created) },
          { id: "live", header: "", cell: (stream) => <Button variant="inline-link" onClick={() => go("/live-charts?stream=" + encodeURIComponent(stream.name))}>Live</Button> },
        ]}
      />
    </ContentLayout>
  );
}

export function StreamPage() {
  const name = useRoute().query.get("name") ?? "";
  const shards = useLoaded<Shard[]>("/api/shards?stream=" + encodeURIComponent(name), 15_000);
  const streams = useLoaded<Stream[]>("/api/streams", 15_000);
  const stream = streams.value?.find((each) => each.name === name);
  return (
    <ContentLayout header={<Header variant="h1" actions={<Button variant="primary" onClick={() => go("/live-charts?stream=" + encodeURIComponent(name))}>Open live charts</Button>}>{name}</Header>}>
      <SpaceBetween size="l">
        {stream && (
          <Container header={<Header variant="h2">Details</Header>}>
            <KeyValuePairs columns={4} items={[
              { label: "Status", value: <Status status={stream.status} /> },
              { label: "Retention", value: `${stream.retentionHours} hours` },
              { label: "Mode", value: stream.mode ?? "PROVISIONED" },
              { label: "ARN", value: <Box variant="code">{stream.arn}</Box> },
            ]} />
          </Container>
        )}
        <Await from={shards}>{(value) => <Records stream={name} shards={value} />}</Await>
        <ListTable
          title="Shards" from={shards} trackBy="id" empty={<Empty title="No shard" />}
          columns={[
            { id: "id", header: "Shard", sortingField: "id", isRowHeader: true, cell: (shard) => shard.id },
            { id: "state", header: "State", cell: (shard) => shard.closed ? <StatusIndicator type="stopped">Closed</StatusIndicator> : <StatusIndicator type="success">Open</StatusIndicator> },
            { id: "parent", header: "Parent", cell: (shard) => shard.parent ?? "–" },
            { id: "hash", header: "Hash keys", cell: (shard) => <Box variant="code">{short(shard.firstHash)} … {short(shard.lastHash)}</Box> },
            { id: "sequence", header: "First sequence number", cell: (shard) => <Box variant="code">{shard.firstSequence}</Box> },
          ]}
        />
      </SpaceBetween>
    </ContentLayout>
  );
}

// A 128-bit decimal, shortened.
function short(value: string): string {
  return value.length > 14 ? value.slice(0, 5) + "…" + value.slice(-4) : value;
}

function Records({ stream, shards }: { stream: string; shards: Shard[] }) {
  const [shard, setShard] = useState<string | undefined>(shards[0]?.id);
  const records = useLoaded<StreamRecord[]>(
    shard === undefined ? undefined : `/api/records?stream=${encodeURIComponent(stream)}&shard=${encodeURIComponent(shard)}`);
  return (
    <TableView
      header={
        <Header variant="h2" description="The newest records of the last minutes, as they stand in the log."
          actions={
            <SpaceBetween direction="horizontal" size="xs">
              <Select selectedOption={shard === undefined ? null : { value: shard }} options={shards.map((each) => ({ value: each.id }))}
                onChange={({ detail }) => setShard(detail.selectedOption.value)} />
              <Button iconName="refresh" ariaLabel="Refresh" onClick={records.reload} />
            </SpaceBetween>
          }>Newest records</Header>
      }
      items={records.value ?? []} trackBy="sequence" loading={records.loading && !records.value} loadingText="Reading"
      empty={<Empty title={records.error ? records.error.message : "Nothing arrived in the last minutes"} />}
      contentDensity="compact"
      columnDefinitions={[
        { id: "arrival", header: "Arrived", cell: (record) => <span className="numbers">{time(record.arrival)}</span>, width: 180 },
        { id: "key", header: "Partition key", cell: (record) => record.partitionKey, width: 140 },
        { id: "data", header: "Data", cell: (record) => <Box variant="code">{record.binary ? `${record.data.length} characters of base64` : record.data}</Box> },
      ]}
    />
  );
}
