import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import ContentLayout from "@cloudscape-design/components/content-layout";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import Link from "@cloudscape-design/components/link";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import TableView from "@cloudscape-design/components/table";
import { useState } from "react";
import { ApiError, post, useLoaded, type Crawler, type Partition, type Table } from "../api";
import { time } from "../format";
import { ListTable } from "../parts/ListTable";
import { Await, Empty, Failure } from "../parts/states";
import { follow, go, useRoute } from "../route";

export function Catalog() {
  const { query } = useRoute();
  const database = query.get("database");
  const table = query.get("table");
  return database !== null && table !== null ? <TablePage database={database} table={table} /> : <Overview />;
}

function Overview() {
  const tables = useLoaded<Table[]>("/api/tables", 10_000);
  return (
    <ContentLayout header={<Header variant="h1" description="What lies in the lake, as tables: schema and partitions, kept current by the crawler.">Catalog</Header>}>
      <SpaceBetween size="l">
        <ListTable
          title="Tables" from={tables} trackBy="name"
          empty={<Empty title="No table yet">A pipeline's template makes one, or a crawler finds it once files are in the bucket.</Empty>}
          columns={[
            { id: "name", header: "Table", sortingField: "name", isRowHeader: true, cell: (table) =>
              <Link href={`/catalog?database=${encodeURIComponent(table.database)}&table=${encodeURIComponent(table.name)}`} onFollow={follow as never}>{table.name}</Link> },
            { id: "database", header: "Database", sortingField: "database", cell: (table) => table.database },
            { id: "columns", header: "Columns", cell: (table) => table.columns.length },
            { id: "partitions", header: "Partitioned by", cell: (table) => table.partitionKeys.map((key) => key.name).join(" / ") || "–" },
            { id: "format", header: "Format", cell: (table) => table.format ?? "–" },
            { id: "updated", header: "Updated", sortingField: "updated", cell: (table) => time(table.updated ?? table.created) },
          ]}
        />
        <Crawlers />
      </SpaceBetween>
    </ContentLayout>
  );
}

function Crawlers() {
  const crawlers = useLoaded<Crawler[]>("/api/crawlers", 3_000);
  const [failure, setFailure] = useState<ApiError>();
  const start = async (name: string) => {
    setFailure(undefined);
    try {
      await post("/api/crawlers/start", { name });
      crawlers.reload();
    } catch (error) {
      setFailure(error as ApiError);
    }
  };
  return (
    <>
      {failure && <Failure error={failure} />}
      <ListTable
        title="Crawlers" from={crawlers} trackBy="name"
        empty={<Empty title="There is no crawler">A crawler scans the bucket and fills the catalog.</Empty>}
        columns={[
          { id: "name", header: "Name", sortingField: "name", isRowHeader: true, cell: (crawler) => crawler.name },
          { id: "state", header: "State", cell: (crawler) =>
            crawler.state === "READY" ? <StatusIndicator type="success">Ready</StatusIndicator> : <StatusIndicator type="in-progress">{crawler.state}</StatusIndicator> },
          { id: "last", header: "Last run", cell: (crawler) => crawler.lastStatus === undefined ? "never" :
            <StatusIndicator type={crawler.lastStatus === "SUCCEEDED" ? "success" : crawler.lastStatus === "FAILED" ? "error" : "stopped"}>
              {`${time(crawler.lastStart)}${crawler.lastError ? ": " + crawler.lastError : ""}`}
            </StatusIndicator> },
          { id: "targets", header: "Scans", cell: (crawler) => <Box variant="code">{crawler.targets.join(", ")}</Box> },
          { id: "schedule", header: "Schedule", cell: (crawler) => crawler.schedule ?? "on demand" },
          { id: "run", header: "", cell: (crawler) =>
            <Button disabled={crawler.state !== "READY"} loading={crawler.state === "RUNNING"} onClick={() => void start(crawler.name)}>Run</Button> },
        ]}
      />
    </>
  );
}

function TablePage({ database, table }: { database: string; table: string }) {
  const at = `database=${encodeURIComponent(database)}&table=${encodeURIComponent(table)}`;
  const definition = useLoaded<Table>("/api/table?" + at, 15_000);
  const partitions = useLoaded<Partition[]>("/api/partitions?" + at, 15_000);
  return (
    <ContentLayout
      header={<Header variant="h1" description={`Table of the database ${database}`}
        actions={<Button variant="primary" onClick={() => go(`/sql?database=${encodeURIComponent(database)}&sql=${encodeURIComponent(`SELECT *\nFROM ${quoted(table)}\nLIMIT 100`)}`)}>Query this table</Button>}>{table}</Header>}
    >
      <Await from={definition}>
        {(value) => (
          <SpaceBetween size="l">
            <Container header={<Header variant="h2">Details</Header>}>
              <KeyValuePairs columns={3} items={[
                { label: "Format", value: value.format ?? "–" },
                { label: "Location", value: <Box variant="code">{value.location ?? "–"}</Box> },
                { label: "Created", value: time(value.created) },
              ]} />
            </Container>
            <TableView
              header={<Header variant="h2" counter={`(${value.columns.length + value.partitionKeys.length})`}>Schema</Header>}
              items={[...value.columns.map((column) => ({ ...column, partition: false })), ...value.partitionKeys.map((column) => ({ ...column, partition: true }))]}
              trackBy="name"
              columnDefinitions={[
                { id: "name", header: "Column", isRowHeader: true, cell: (column) => column.name },
                { id: "type", header: "Type", cell: (column) => <Box variant="code">{column.type}</Box> },
                { id: "partition", header: "Partition key", cell: (column) => column.partition ? "yes" : "–" },
                { id: "comment", header: "Comment", cell: (column) => column.comment ?? "–" },
              ]}
            />
            {value.partitionKeys.length > 0 && (
              <ListTable
                title="Partitions" trackBy="location" from={partitions}
                empty={<Empty title="No partition yet">Run the crawler, or wait for its schedule.</Empty>}
                columns={[
                  { id: "values", header: value.partitionKeys.map((key) => key.name).join(" / "), sortingField: "location", isRowHeader: true,
                    cell: (partition: Partition) => partition.values.join(" / ") },
                  { id: "location", header: "Location", cell: (partition: Partition) => <Box variant="code">{partition.location ?? "–"}</Box> },
                ]}
              />
            )}
          </SpaceBetween>
        )}
      </Await>
    </ContentLayout>
  );
}

function quoted(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) ? name : '"' + name.replace(/"/g, '""') + '"';
}
