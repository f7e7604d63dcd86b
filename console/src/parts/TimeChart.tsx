// One measure over time, a line per device, drawn by uPlot straight from the feed.
import { useEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { gapAfter, type LiveFeed } from "../live";
import { measure as formatMeasure } from "../format";
import { seriesColors, useLook } from "../look";

export interface View {
  // Live: the last spanMs up to now. Otherwise a fixed range.
  spanMs: number;
  fixed?: [number, number];
}

interface Props {
  feed: LiveFeed;
  measure: string;
  devices: string[];
  colorOf: (device: string) => number;
  emphasized?: string;
  view: View;
  height: number;
  onZoom: (range: [number, number]) => void;
  onReset: () => void;
}

// Aligns the devices' points on one axis: undefined where a device has no point at that time (the line goes on), null
// where it was silent (the line breaks).
export function align(feed: LiveFeed, measure: string, devices: string[], from: number, to: number): uPlot.AlignedData {
  const tables: uPlot.AlignedData[] = [];
  for (const device of devices) {
    const series = feed.get(measure, device);
    const times: number[] = [];
    const values: (number | null)[] = [];
    if (series) {
      const gap = gapAfter(series);
      let at = Math.max(series.start, lowerBound(series.times, from) - 1);
      for (; at < series.times.length && series.times[at]! <= to + gap; ++at) {
        const time = series.times[at]!;
        const last = times[times.length - 1];
        if (last !== undefined && time - last * 1000 > gap) {
          times.push(last + 0.001);
          values.push(null);
        }
        times.push(time / 1000);
        values.push(series.values[at]!);
      }
    }
    tables.push([times, values]);
  }
  if (tables.length === 0) return [[]];
  return uPlot.join(tables, tables.map(() => [0, 2]));
}

function lowerBound(times: number[], value: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

export function TimeChart(props: Props) {
  const { feed, measure, devices, height } = props;
  const look = useLook();
  const box = useRef<HTMLDivElement>(null);
  const latest = useRef(props);
  latest.current = props;

  useEffect(() => {
    const host = box.current!;
    const styles = getComputedStyle(host);
    const ink = styles.getPropertyValue("--chart-ink").trim();
    const grid = styles.getPropertyValue("--chart-grid").trim();
    const font = "12px 'Open Sans', system-ui, sans-serif";
    const width = () => latest.current.emphasized;
    const chart = new uPlot(
      {
        width: host.clientWidth,
        height,
        padding: [10, 12, 0, 0],
        legend: { show: false },
        cursor: { drag: { x: true, y: false, setScale: false }, focus: { prox: 24 }, points: { size: 7 } },
        focus: { alpha: 0.25 },
        scales: {
          x: { time: true, auto: false },
          y: {
            range: (_chart, low, high) => {
              if (low === null || high === null) return [0, 1];
              const room = Math.max((high - low) * 0.12, Math.abs(high) * 0.01, 1e-6);
              return [low >= 0 && low < 0.25 * (high - low) ? 0 : low - room, high + room];
            },
          },
        },
        axes: [
          {
            stroke: ink, font, grid: { stroke: grid, width: 1 }, ticks: { show: false }, space: 90, size: 30,
            values: (_chart, ticks) => ticks.map((tick) => {
              const at = new Date(tick * 1000);
              return at.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
            }),
          },
          { stroke: ink, font, grid: { stroke: grid, width: 1 }, ticks: { show: false }, size: 64,
            values: (_chart, ticks) => ticks.map((tick) => tick.toLocaleString("en", { maximumFractionDigits: 3 })) },
        ],
        series: [
          {},
          ...devices.map((device) => ({
            label: device,
            stroke: () => seriesColors[look][latest.current.colorOf(device) % seriesColors[look].length]!,
            width: 1.75,
            alpha: 1,
            points: { show: false },
            spanGaps: false,
          })),
        ],
        hooks: {
          setSelect: [
            (self) => {
              if (self.select.width < 8) return;
              const from = self.posToVal(self.select.left, "x") * 1000;
              const to = self.posToVal(self.select.left + self.select.width, "x") * 1000;
              self.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
              latest.current.onZoom([from, to]);
            },
          ],
        },
        plugins: [tooltip(() => latest.current)],
      },
      align(feed, measure, devices, 0, 0),
      host,
    );
    const over = host.querySelector<HTMLDivElement>(".u-over")!;
    const reset = () => latest.current.onReset();
    over.addEventListener("dblclick", reset);

    let frame = 0;
    let drawn = 0;
    let emphasized: string | undefined;
    const draw = (at: number) => {
      frame = requestAnimationFrame(draw);
      if (at - drawn < 33 || document.visibilityState === "hidden") return;
      drawn = at;
      const { view } = latest.current;
      const to = view.fixed ? view.fixed[1] : feed.now();
      const from = view.fixed ? view.fixed[0] : to - view.spanMs;
      if (width() !== emphasized) {
        emphasized = width();
        const index = emphasized === undefined ? null : devices.indexOf(emphasized) + 1;
        chart.setSeries(index === null || index < 1 ? null : index, { focus: true });
      }
      chart.batch(() => {
        chart.setData(align(feed, measure, devices, from, to), false);
        chart.setScale("x", { min: from / 1000, max: to / 1000 });
      });
    };
    frame = requestAnimationFrame(draw);
    const resize = new ResizeObserver(() => chart.setSize({ width: host.clientWidth, height }));
    resize.observe(host);
    return () => {
      cancelAnimationFrame(frame);
      resize.disconnect();
      over.removeEventListener("dblclick", reset);
      chart.destroy();
    };
  }, [feed, measure, devices.join("\n"), look, height]);

  return <div className="chart" ref={box} data-testid={"chart-" + measure} />;
}

// The device under the pointer, its value and time.
function tooltip(props: () => Props): uPlot.Plugin {
  let tip: HTMLDivElement;
  return {
    hooks: {
      init: (chart) => {
        tip = document.createElement("div");
        tip.className = "chart-tip";
        chart.over.appendChild(tip);
        chart.over.addEventListener("mouseleave", () => (tip.style.display = "none"));
      },
      setCursor: (chart) => {
        const { left, top } = chart.cursor;
        if (left === undefined || top === undefined || left < 0) {
          tip.style.display = "none";
          return;
        }
        let best: { device: string; value: number; time: number; distance: number } | undefined;
        const x = chart.posToVal(left, "x");
        props().devices.forEach((device, index) => {
          const times = chart.data[0];
          const values = chart.data[index + 1];
          if (!times || !values) return;
          let at = lowerBound(times as number[], x);
          for (let back = 0; at >= 0 && back < 40 && typeof values[at] !== "number"; --at) ++back;
          const value = values[at];
          if (typeof value !== "number") return;
          const distance = Math.abs(chart.valToPos(value, "y") - top) + Math.abs(chart.valToPos(times[at]!, "x") - left) / 4;
          if (!best || distance < best.distance) best = { device, value, time: times[at]!, distance };
        });
        if (!best || best.distance > 60) {
          tip.style.display = "none";
          return;
        }
        tip.replaceChildren();
        const name = document.createElement("b");
        name.textContent = best.device;
        const line = document.createElement("span");
        line.textContent = `${formatMeasure(best.value)}  ·  ${new Date(best.time * 1000).toLocaleTimeString("en-GB")}`;
        tip.append(name, line);
        tip.style.display = "block";
        const flip = left > chart.over.clientWidth - 190;
        tip.style.transform = `translate(${flip ? left - 178 : left + 14}px, ${Math.max(0, top - 50)}px)`;
      },
    },
  };
}
