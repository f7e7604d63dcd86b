// Made-up answers for `npm run dev`, so that the page can be worked on without a server. Not part of the build.
import type { IncomingMessage } from "node:http";
import type { Plugin } from "vite";
import { WebSocketServer } from "ws";

const started = Date.now();
const wells = Array.from({ length: 10 }, (_, at) => `well-${String(at + 1).padStart(2, "0")}`);

function reading(well: number, at: number): [number, number] {
  const age = (at - started) / 3_600_000;
  const pressure = (180 + 14 * well) * Math.exp(-age / 30) + 2.2 * Math.sin(at / 21_000 + well) + Math.random() * 1.5;
  const flow = 0.021 * pressure * (0.8 + 0.04 * well) + Math.random() * 0.05;
  return Math.random() < 0.003 ? [flow * 1.8, pressure * 0.7] : [flow, pressure];
}

const table = {
  name: "readings", database: "oilfield", location: "s3://oilfield-lake/readings/", format: "Parquet",
  columns: [
    { name: "timestamp", type: "double" }, { name: "well", type: "string" },
    { name: "barrels_per_second", type: "double" }, { name: "reservoir_pressure_per_second", type: "double" },
  ],
  partitionKeys: ["year", "month", "day", "hour"].map((name) => ({ name, type: "string" })),
  created: started - 86_400_000, updated: started - 60_000,
};
const stream = {
  name: "oilfield-readings", arn: "arn:aws:kinesis:eu-central-1:000000000000:stream/oilfield-readings", status: "ACTIVE",
  openShards: 2, retentionHours: 24, created: started - 86_400_000, mode: "PROVISIONED", consumers: 1,
};
const queries: Record<string, unknown>[] = [];

function pipeline() {
  const seconds = (Date.now() - started) / 1000;
  const rate = 10 + (Math.random() - 0.5) * 0.4;
  const flow = (from: string, to: string, unit: string, factor = 1) => ({ from, to, unit, rate: rate * factor, total: Math.round(seconds * 10 * factor) });
  return {
    stages: [
      { id: "devices", names: wells, count: 10, state: "ok" },
      { id: "broker", names: ["mqtts://127.0.0.1:8883"], count: 10, state: "ok" },
      { id: "rules", names: ["readings_to_stream"], count: 1, state: "ok" },
      { id: "streams", names: [stream.name], count: 1, state: "ok", note: "2 shards, 24 h kept" },
      { id: "live", names: ["You"], count: 1, state: "ok" },
      { id: "delivery", names: ["oilfield-delivery"], count: 1, state: "ok", note: "every 60 s to Parquet" },
      { id: "buckets", names: ["oilfield-lake"], count: 1, state: "ok" },
      { id: "catalog", names: ["oilfield.readings"], count: 1, state: "ok", note: "1 table, crawler ready" },
      { id: "sql", names: ["primary"], count: queries.length, state: "idle" },
    ],
    flows: [
      flow("devices", "broker", "messages/s"), flow("broker", "rules", "messages/s"), flow("rules", "streams", "records/s"),
      flow("streams", "live", "records/s"), flow("streams", "delivery", "records/s"), flow("delivery", "buckets", "records/s"),
      { from: "buckets", to: "catalog", unit: "files/s", rate: 0, total: 12 }, { from: "catalog", to: "sql", unit: "queries/s", rate: 0, total: queries.length },
    ],
  };
}

function answer(method: string, url: URL, body: any): unknown {
  switch (method + " " + url.pathname) {
    case "GET /api/session":
      return { user: "admin", groups: ["operators"], region: "eu-central-1", account: "000000000000" };
    case "GET /api/pipeline": return pipeline();
    case "GET /api/streams": return [stream];
    case "GET /api/shards":
      return [0, 1].map((n) => ({ id: `shardId-00000000000${n}`, firstHash: String(n * 17014118346046923), lastHash: "340282366920938463463374607431768211455", firstSequence: "4966" + n + "0000000000000000000000000000000000000000000000000002", closed: false }));
    case "GET /api/records":
      return wells.map((well, at) => ({ sequence: String(at), partitionKey: well, arrival: Date.now() - at * 100, binary: false, data: JSON.stringify({ timestamp: Date.now() / 1000, well, barrels_per_second: reading(at, Date.now())[0], reservoir_pressure_per_second: reading(at, Date.now())[1] }) }));
    case "GET /api/things": return wells.map((name) => ({ name, type: "OilWell", attributes: { field: "north" }, version: 1 }));
    case "GET /api/thing":
      return { name: url.searchParams.get("name"), type: "OilWell", attributes: { field: "north" }, version: 1, arn: "arn:aws:iot:eu-central-1:000000000000:thing/" + url.searchParams.get("name"), certificates: [{ id: "a".repeat(64), status: "ACTIVE", created: started, policies: ["wells"] }] };
    case "GET /api/buckets": return [{ name: "oilfield-lake", created: started }, { name: "oilfield-results", created: started }];
    case "GET /api/objects": {
      const prefix = url.searchParams.get("prefix") ?? "";
      const steps = ["readings/", "year=2026/", "month=11/", "day=24/"];
      const depth = prefix.split("/").length - 1;
      if (depth < 4) return { prefixes: [prefix + steps[depth]], objects: [] };
      if (depth === 4) return { prefixes: ["07", "08", "09"].map((hour) => `${prefix}hour=${hour}/`), objects: [] };
      return { prefixes: [], objects: Array.from({ length: 12 }, (_, at) => ({ key: `${prefix}shard-0-${4966 + at}.parquet`, size: 21_400 + at * 991, modified: started - at * 60_000 })) };
    }
    case "GET /api/tables": return [table];
    case "GET /api/table": return table;
    case "GET /api/partitions": return ["07", "08", "09"].map((hour) => ({ values: ["2026", "11", "24", hour], location: `s3://oilfield-lake/readings/year=2026/month=11/day=24/hour=${hour}/` }));
    case "GET /api/crawlers": return [{ name: "oilfield-crawler", state: "READY", database: "oilfield", targets: ["s3://oilfield-lake/readings/"], schedule: "cron(0/5 * * * ? *)", lastStatus: "SUCCEEDED", lastStart: started - 60_000 }];
    case "POST /api/crawlers/start": return {};
    case "POST /api/queries": {
      const bad = /\bfrm\b/i.exec(body.sql);
      const line = bad ? body.sql.slice(0, bad.index).split("\n") : [];
      queries.unshift({
        id: String(queries.length), sql: body.sql, database: body.database, submitted: Date.now(), millis: 38, scannedBytes: 245_100,
        state: bad ? "FAILED" : "SUCCEEDED", reason: bad ? `line ${line.length}:${line.at(-1).length + 1}: mismatched input '${bad[0]}'. Expecting: ',', 'FROM', 'WHERE'` : undefined,
      });
      return { id: queries[0].id };
    }
    case "GET /api/queries": return queries;
    case "GET /api/query": return queries.find((query) => query.id === url.searchParams.get("id"));
    case "GET /api/results":
      return {
        columns: [{ name: "well", type: "varchar" }, { name: "readings", type: "bigint" }, { name: "avg_barrels_per_second", type: "double" }, { name: "avg_reservoir_pressure_per_second", type: "double" }],
        rows: wells.map((well, at) => [well, String(8600 + at), ...reading(at, Date.now()).map(String)]),
      };
  }
  return undefined;
}

export function sampleBackend(): Plugin {
  return {
    name: "sample-backend",
    configureServer(server) {
      server.middlewares.use((request, response, next) => {
        const url = new URL(request.url!, "http://localhost");
        if (!url.pathname.startsWith("/api/")) return next();
        let text = "";
        request.on("data", (piece) => (text += piece));
        request.on("end", () => {
          const value = answer(request.method!, url, text === "" ? {} : JSON.parse(text));
          response.statusCode = value === undefined ? 404 : 200;
          response.setHeader("content-type", "application/json");
          response.end(JSON.stringify(value ?? { code: "NotFound", message: "No such sample" }));
        });
      });
      const sockets = new WebSocketServer({ noServer: true });
      server.httpServer?.on("upgrade", (request: IncomingMessage, socket, head) => {
        if (!request.url?.startsWith("/live")) return;
        sockets.handleUpgrade(request, socket, head, (client) => {
          const frame = (at: number, chosen: number[], arrival: number) => ({
            t: "d", s: stream.name, d: wells, m: ["barrels_per_second", "reservoir_pressure_per_second"], a: arrival, n: chosen.length,
            r: chosen.flatMap((well) => [well, at + well * 37, ...reading(well, at)]),
          });
          const silent = (well: number, at: number) => well === 6 && at % 120_000 > 90_000 && at % 120_000 < 108_000;
          client.send(JSON.stringify({ t: "hello", now: Date.now() }));
          const now = Date.now();
          for (let at = now - 300_000; at < now; at += 1000) client.send(JSON.stringify(frame(at, wells.map((_, n) => n).filter((n) => !silent(n, at)), at)));
          const timer = setInterval(() => {
            const at = Date.now();
            client.send(JSON.stringify(frame(at, wells.map((_, n) => n).filter((n) => !silent(n, at)), at)));
          }, 1000);
          client.on("message", (data) => client.send(JSON.stringify({ t: "pong", c: JSON.parse(String(data)).c, s: Date.now() })));
          client.on("close", () => clearInterval(timer));
        });
      });
    },
  };
}
