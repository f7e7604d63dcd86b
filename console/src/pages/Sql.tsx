import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import ContentLayout from "@cloudscape-design/components/content-layout";
import Grid from "@cloudscape-design/components/grid";
import Header from "@cloudscape-design/components/header";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import TableView from "@cloudscape-design/components/table";
import { useEffect, useRef, useState } from "react";
import { ApiError, get, post, useLoaded, type Query, type QueryPage, type Table } from "../api";
import { bytes, duration, time } from "../format";
import { SqlEditor } from "../parts/SqlEditor";
import { Empty, Failure } from "../parts/states";
import { useRoute } from "../route";

const ended = (query?: Query) => query !== undefined && query.state !== "QUEUED" && query.state !== "RUNNING";

// "line 3:14: ..." in a reason, as Athena words it.
function position(reason: string | undefined): { line: number; column: number } | undefined {
  const found = /line (\d+):(\d+)/i.exec(reason ?? "");
  return found ? { line: Number(found[1]), column: Number(found[2]) } : undefined;
}

function firstQuery(table: Table | undefined): string {
  if (!table) return "SELECT 1 + 1 AS two";
  const numeric = table.columns.filter((column) => /^(double|float|real|decimal|bigint|int)/.test(column.type) && !/time/i.test(column.name));
  const key = table.columns.find((column) => /^(well|device|thing|sensor)/i.test(column.name) && /^(string|varchar)/.test(column.type));
  if (!key || numeric.length === 0) return `SELECT *\nFROM ${table.name}\nLIMIT 100`;
  const measures = numeric.slice(0, 2).map((column) => `,\n       avg(${column.name}) AS avg_${column.name}`).join("");
  return `SELECT ${key.name},\n       count(*) AS readings${measures}\nFROM ${table.name}\nGROUP BY ${key.name}\nORDER BY ${key.name}`;
}

// The table that readings are asked from: one in partitions holds what was delivered.
const likeliest = (tables: Table[]) => tables.find((table) => table.partitionKeys.length > 0) ?? tables[0];

export function Sql() {
  const { query: route } = useRoute();
  const tables = useLoaded<Table[]>("/api/tables", 15_000);
  const history = useLoaded<Query[]>("/api/queries", 15_000);
  const [sql, setSql] = useState(() => route.get("sql") ?? sessionStorage.getItem("sql") ?? "");
  const [database, setDatabase] = useState(route.get("database") ?? undefined);
  const [current, setCurrent] = useState<Query>();
  const [pages, setPages] = useState<QueryPage[]>([]);
  const [failure, setFailure] = useState<ApiError>();
  const [starting, setStarting] = useState(false);
  const [loadingMore, setLoadingMore] = useState(false);
  const turn = useRef(0);
  const proposed = useRef("");

  // The proposal follows the tables (the crawler makes some later) until somebody writes a query.
  useEffect(() => {
    if (!tables.value) return;
    const table = likeliest(tables.value);
    if (sql === proposed.current) setSql((proposed.current = firstQuery(table)));
    if (database === undefined && table) setDatabase(table.database);
  }, [tables.value]);
  useEffect(() => sessionStorage.setItem("sql", sql === proposed.current ? "" : sql), [sql]);

  const show = async (id: string, mine: number) => {
    for (let wait = 60; mine === turn.current; wait = Math.min(wait * 1.5, 1000)) {
      const query = await get<Query>("/api/query?id=" + encodeURIComponent(id));
      if (mine !== turn.current) return;
      setCurrent(query);
      if (ended(query)) {
        if (query.state === "SUCCEEDED") {
          const page = await get<QueryPage>("/api/results?id=" + encodeURIComponent(id));
          if (mine === turn.current) setPages([page]);
        }
        history.reload();
        return;
      }
      await new Promise((done) => setTimeout(done, wait));
    }
  };
  const begin = async (start: () => Promise<string>) => {
    const mine = ++turn.current;
    setFailure(undefined);
    setCurrent(undefined);
    setPages([]);
    setStarting(true);
    try {
      await show(await start(), mine);
    } catch (error) {
      if (mine === turn.current) setFailure(error as ApiError);
    } finally {
      if (mine === turn.current) setStarting(false);
    }
  };
  const run = () => void begin(async () => (await post<{ id: string }>("/api/queries", { sql, database })).id);
  const open = (query: Query) => {
    setSql(query.sql);
    void begin(async () => query.id);
  };
  const cancel = () => current && void post("/api/queries/stop", { id: current.id }).catch((error: ApiError) => setFailure(error));
  const next = pages[pages.length - 1]?.next;
  const more = async () => {
    setLoadingMore(true);
    try {
      const page = await get<QueryPage>(`/api/results?id=${encodeURIComponent(current!.id)}&next=${encodeURIComponent(next!)}`);
      setPages((before) => [...before, page]);
    } catch (error) {
      setFailure(error as ApiError);
    } finally {
      setLoadingMore(false);
    }
  };
  const databases = [...new Set((tables.value ?? []).map((table) => table.database))];
  const error = current?.state === "FAILED" ? position(current.reason) : undefined;
  return (
    <ContentLayout header={<Header variant="h1" description="Ask the lake: Parquet files in the bucket, by the catalog's tables.">SQL</Header>}>
      <Grid gridDefinition={[{ colspan: { default: 12, m: 8, l: 9 } }, { colspan: { default: 12, m: 4, l: 3 } }]}>
        <SpaceBetween size="l">
          <Container
            header={
              <Header variant="h2"
                actions={
                  <SpaceBetween direction="horizontal" size="xs">
                    {databases.length > 0 && (
                      <Select selectedOption={database === undefined ? null : { value: database }} options={databases.map((value) => ({ value }))}
                        placeholder="Database" onChange={({ detail }) => setDatabase(detail.selectedOption.value)} />
                    )}
                    {starting && current && !ended(current)
                      ? <Button onClick={cancel}>Stop</Button>
                      : <Button disabled={sql.trim() === ""} onClick={() => setSql("")}>Clear</Button>}
                    <Button variant="primary" loading={starting} disabled={sql.trim() === ""} onClick={run}>Run</Button>
                  </SpaceBetween>
                }
              >Query</Header>
            }
            footer={<Box color="text-body-secondary" fontSize="body-s">Ctrl+Enter runs the query.</Box>}
          >
            <SqlEditor value={sql} onChange={setSql} onRun={() => !starting && sql.trim() !== "" && run()} error={current?.sql === sql ? error : undefined} />
          </Container>
          {failure && <Failure error={failure} />}
          {current?.state === "FAILED" && <Alert type="error" header={error ? `The query failed at line ${error.line}, column ${error.column}` : "The query failed"}><Box variant="code">{current.reason}</Box></Alert>}
          {current?.state === "CANCELLED" && <Alert type="info">The query was stopped.</Alert>}
          <Results query={current} pages={pages} more={next ? () => void more() : undefined} loadingMore={loadingMore} />
        </SpaceBetween>
        <SpaceBetween size="l">
          <Container header={<Header variant="h2">Tables</Header>}>
            {(tables.value ?? []).length === 0 ? <Box color="text-body-secondary">No table yet. Once files are delivered, the crawler makes one.</Box> :
              <div className="history">
                {tables.value!.map((table) => (
                  <button key={table.database + "." + table.name} type="button" title="Write a query over this table"
                    onClick={() => { setDatabase(table.database); setSql(firstQuery(table)); }}>
                    <code>{table.name}</code>
                    <small>{[...table.columns, ...table.partitionKeys].map((column) => column.name).join(", ")}</small>
                  </button>
                ))}
              </div>}
          </Container>
          <Container header={<Header variant="h2" actions={<Button iconName="refresh" ariaLabel="Refresh" onClick={history.reload} />}>History</Header>}>
            {history.error && <Box color="text-status-error">{history.error.message}</Box>}
            {history.value?.length === 0 && <Box color="text-body-secondary">Nothing was asked yet.</Box>}
            <div className="history">
              {(history.value ?? []).map((query) => (
                <button key={query.id} type="button" onClick={() => open(query)} title={query.sql}>
                  <code>{query.sql.replace(/\s+/g, " ")}</code>
                  <small>
                    <StatusIndicator type={query.state === "SUCCEEDED" ? "success" : query.state === "FAILED" ? "error" : query.state === "CANCELLED" ? "stopped" : "in-progress"}>
                      {`${time(query.submitted)}${query.millis === undefined ? "" : `, ${duration(query.millis)}`}`}
                    </StatusIndicator>
                  </small>
                </button>
              ))}
            </div>
          </Container>
        </SpaceBetween>
      </Grid>
    </ContentLayout>
  );
}

function Results({ query, pages, more, loadingMore }: { query?: Query; pages: QueryPage[]; more?: () => void; loadingMore: boolean }) {
  const columns = pages[0]?.columns ?? [];
  const rows = pages.flatMap((page) => page.rows).map((cells, id) => ({ id: String(id), cells }));
  const numeric = (type: string) => /^(tinyint|smallint|int|integer|bigint|float|real|double|decimal)/.test(type);
  const download = () => {
    const cell = (value: string | null) => (value === null ? "" : `"${value.replace(/"/g, '""')}"`);
    const text = [columns.map((column) => cell(column.name)), ...rows.map((row) => row.cells.map(cell))].map((line) => line.join(",")).join("\r\n");
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
    link.download = "result.csv";
    link.click();
    URL.revokeObjectURL(link.href);
  };
  const statistics = query && ended(query)
    ? [query.millis !== undefined && duration(query.millis), query.scannedBytes !== undefined && `${bytes(query.scannedBytes)} read`].filter(Boolean).join(", ")
    : query ? "Running" : undefined;
  return (
    <TableView
      header={<Header variant="h2" counter={pages.length > 0 ? `(${rows.length}${more ? "+" : ""})` : undefined} description={statistics}
        actions={rows.length > 0 && <Button iconName="download" onClick={download}>CSV</Button>}>Results</Header>}
      items={rows} trackBy="id" contentDensity="compact" resizableColumns stickyHeader
      loading={query !== undefined && !ended(query)} loadingText={query?.state === "QUEUED" ? "Queued" : "Running"}
      empty={<Empty title={query?.state === "SUCCEEDED" ? "The query gave no rows" : "No result yet"}>{query ? undefined : "Run a query to see its rows here."}</Empty>}
      footer={more && <Button loading={loadingMore} onClick={more}>Load more rows</Button>}
      columnDefinitions={columns.length === 0 ? [{ id: "none", header: "", cell: () => "" }] : columns.map((column, at) => ({
        id: String(at), header: <span title={column.type}>{column.name}</span>, minWidth: Math.min(320, Math.max(90, 40 + 8 * column.name.length)),
        cell: (row: { cells: (string | null)[] }) => {
          const value = row.cells[at];
          if (value === null || value === undefined) return <Box color="text-status-inactive" display="inline">null</Box>;
          return numeric(column.type) ? <span className="numbers">{value}</span> : value;
        },
      }))}
    />
  );
}
