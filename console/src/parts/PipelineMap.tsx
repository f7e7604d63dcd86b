// The pipeline as a map: a card per stage, arrows whose dots run as fast as the data does.
import Icon, { type IconProps } from "@cloudscape-design/components/icon";
import { useLayoutEffect, useRef, useState } from "react";
import type { Flow, Pipeline, Stage, StageId } from "../api";
import { count, rate } from "../format";
import { go } from "../route";

interface Place {
  id: StageId;
  title: string;
  service: string;
  column: number;
  row: number;
  href?: string;
  icon: IconProps.Name;
  one: string;
  many: string;
  absent: string;
}

const places: Place[] = [
  { id: "devices", title: "Devices", service: "Things", column: 0, row: 0, href: "/things", icon: "multiscreen", one: "thing", many: "things", absent: "No thing is registered" },
  { id: "broker", title: "Broker", service: "MQTT over TLS", column: 1, row: 0, icon: "share", one: "connection", many: "connections", absent: "Not started" },
  { id: "rules", title: "Rules", service: "IoT SQL", column: 2, row: 0, icon: "filter", one: "topic rule", many: "topic rules", absent: "No topic rule" },
  { id: "streams", title: "Stream", service: "Kinesis", column: 3, row: 0, href: "/streams", icon: "view-full", one: "stream", many: "streams", absent: "No stream" },
  { id: "live", title: "Live charts", service: "WebSocket", column: 4, row: 0, href: "/live-charts", icon: "heart", one: "viewer", many: "viewers", absent: "Nobody watches" },
  { id: "delivery", title: "Delivery", service: "Firehose", column: 1, row: 1, icon: "send", one: "delivery stream", many: "delivery streams", absent: "No delivery stream" },
  { id: "buckets", title: "Bucket", service: "S3", column: 2, row: 1, href: "/objects", icon: "folder", one: "bucket", many: "buckets", absent: "No bucket" },
  { id: "catalog", title: "Catalog", service: "Glue", column: 3, row: 1, href: "/catalog", icon: "grid-view", one: "table", many: "tables", absent: "No table yet" },
  { id: "sql", title: "SQL", service: "Athena", column: 4, row: 1, href: "/sql", icon: "script", one: "query", many: "queries", absent: "No query yet" },
];

const stateWords: Record<Stage["state"], string> = {
  ok: "Running", idle: "Waiting", warning: "Warning", error: "Failing", absent: "Not set up",
};

export function PipelineMap({ pipeline }: { pipeline: Pipeline }) {
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const watch = new ResizeObserver(([entry]) => setWidth(entry!.contentRect.width));
    watch.observe(box.current!);
    return () => watch.disconnect();
  }, []);
  const narrow = width > 0 && width < 760;
  const stages = new Map(pipeline.stages.map((stage) => [stage.id, stage]));
  if (narrow) {
    return (
      <div ref={box} className="map map-narrow">
        {places.map((place) => {
          const flow = pipeline.flows.find((each) => each.to === place.id);
          return (
            <div key={place.id}>
              {flow && <div className="map-narrow-flow">↓ {flowText(flow)}</div>}
              <Card place={place} stage={stages.get(place.id)} />
            </div>
          );
        })}
      </div>
    );
  }
  const gap = Math.max(56, Math.min(104, width * 0.075));
  const cardWidth = Math.max(100, (width - 4 * gap) / 5);
  const cardHeight = 112;
  const rowGap = 92;
  const left = (column: number) => column * (cardWidth + gap);
  const top = (row: number) => row * (cardHeight + rowGap);
  const height = 2 * cardHeight + rowGap;
  return (
    <div ref={box} className="map" style={{ height }}>
      {width > 0 && (
        <>
          <svg className="map-flows" width={width} height={height} aria-hidden="true">
            {pipeline.flows.map((flow) => {
              const from = places.find((place) => place.id === flow.from)!;
              const to = places.find((place) => place.id === flow.to)!;
              const middle = cardHeight / 2;
              if (from.row === to.row) {
                const x1 = left(from.column) + cardWidth + 6;
                const x2 = left(to.column) - 8;
                const y = top(from.row) + middle;
                return <Arrow key={flow.from + flow.to} d={`M${x1} ${y} L${x2} ${y}`} tip={[x2, y, 0]} flow={flow}
                  label={[(x1 + x2) / 2, y]} />;
              }
              const x1 = left(from.column) + cardWidth / 2;
              const y1 = cardHeight + 6;
              const x2 = left(to.column) + cardWidth / 2;
              const y2 = top(1) - 8;
              const turn = cardHeight + rowGap / 2;
              const r = 14;
              return (
                <Arrow key={flow.from + flow.to} tip={[x2, y2, 90]} flow={flow} label={[(x1 + x2) / 2, turn]}
                  d={`M${x1} ${y1} L${x1} ${turn - r} Q${x1} ${turn} ${x1 - r} ${turn} L${x2 + r} ${turn} Q${x2} ${turn} ${x2} ${turn + r} L${x2} ${y2}`} />
              );
            })}
          </svg>
          {pipeline.flows.map((flow) => {
            const from = places.find((place) => place.id === flow.from)!;
            const to = places.find((place) => place.id === flow.to)!;
            const across = from.row === to.row;
            const x = across ? left(from.column) + cardWidth + gap / 2
              : (left(from.column) + left(to.column) + cardWidth) / 2;
            const y = across ? top(from.row) + cardHeight / 2 : cardHeight + rowGap / 2;
            return (
              <div key={flow.from + flow.to} className={"map-rate" + (across ? " map-rate-above" : "")}
                style={{ left: x, top: y }} title={flow.total === undefined ? undefined : `${count(flow.total)} in all`}
                data-testid={`flow-${flow.from}-${flow.to}`}>
                <b>{flow.rate === undefined ? "" : rate(flow.rate)}</b>
                <small>{flow.rate === undefined ? "" : flow.unit}</small>
              </div>
            );
          })}
          {places.map((place) => (
            <div key={place.id} className="map-place"
              style={{ left: left(place.column), top: top(place.row), width: cardWidth, height: cardHeight }}>
              <Card place={place} stage={stages.get(place.id)} />
            </div>
          ))}
          <div className="map-lane" style={{ left: 0, top: top(1), width: cardWidth, height: cardHeight }}>
            <b>Above: live</b>
            <span>from the sensor to the chart</span>
            <b>Here: history</b>
            <span>Parquet files, a catalog, SQL</span>
          </div>
        </>
      )}
    </div>
  );
}

function flowText(flow: Flow): string {
  return flow.rate === undefined ? "" : `${rate(flow.rate)} ${flow.unit}`;
}

function Card({ place, stage }: { place: Place; stage?: Stage }) {
  const state = stage?.state ?? "absent";
  const names = stage?.names ?? [];
  const text = (
    <>
      <span className="map-card-head">
        <Icon name={place.icon} />
        <b>{place.title}</b>
        <i className={"map-dot map-" + state} title={stage?.note ?? stateWords[state]} />
      </span>
      <span className="map-card-name" title={names.join(", ")}>
        {state === "absent" ? place.absent : names[0] ?? stateWords[state]}
        {names.length > 1 && <em> +{(stage?.count ?? names.length) - 1}</em>}
      </span>
      <span className="map-card-foot">
        {state === "absent" ? place.service
          : stage?.note ?? `${count(stage?.count ?? 0)} ${stage?.count === 1 ? place.one : place.many}`}
      </span>
    </>
  );
  const label = `${place.title}: ${stateWords[state]}${names[0] ? ", " + names[0] : ""}`;
  return place.href ? (
    <a className={"map-card map-card-" + state} href={place.href} aria-label={label}
      onClick={(event) => {
        if (event.metaKey || event.ctrlKey) return;
        event.preventDefault();
        go(place.href!);
      }}>
      {text}
    </a>
  ) : (
    <div className={"map-card map-card-" + state} aria-label={label}>{text}</div>
  );
}

function Arrow({ d, tip, flow }: { d: string; tip: [number, number, number]; flow: Flow; label: [number, number] }) {
  const moving = (flow.rate ?? 0) > 0;
  // From a dot every two seconds to a steady stream; the number says the rest.
  const seconds = moving ? Math.max(0.35, 1.6 / (1 + Math.log10(1 + flow.rate!))) : 0;
  return (
    <g className={moving ? "flow flow-moving" : "flow"}>
      <path d={d} className="flow-bed" />
      {moving && <path d={d} className="flow-dots" style={{ animationDuration: `${seconds}s` }} />}
      <path d="M-7 -5 L1 0 L-7 5" className="flow-tip" transform={`translate(${tip[0]} ${tip[1]}) rotate(${tip[2]})`} />
    </g>
  );
}
