// The live connection: one WebSocket, followed streams, and per measure and device the points of the last minutes.
//
// Frames from the backend (src/services/console/README.md):
//   {"t":"hello","now":ms}
//   {"t":"d","s":stream,"d":[devices],"m":[measures],"r":[device index, time ms, value per measure, ...],"a":arrival ms,"n":live records}
//   {"t":"drop","n":frames}       this viewer was too slow; so many frames were left out
//   {"t":"pong","c":client ms,"s":server ms}
//   {"t":"error","m":text}
import { useEffect, useState } from "react";

const KEEP_MS = 16 * 60_000;

export interface Series {
  device: string;
  times: number[];
  values: number[];
  start: number; // index of the first point that is kept
}

export interface LiveStatus {
  connected: boolean;
  everConnected: boolean;
  dropped: number;
  error?: string;
}

type Frame =
  | { t: "hello"; now: number }
  | { t: "d"; s: string; d: string[]; m: string[]; r: (number | null)[]; a: number; n: number }
  | { t: "drop"; n: number }
  | { t: "pong"; c: number; s: number }
  | { t: "error"; m: string };

export class LiveFeed {
  readonly measures: string[] = [];
  readonly devices: string[] = [];
  status: LiveStatus = { connected: false, everConnected: false, dropped: 0 };
  // Server clock minus ours, so that "now" on the charts is the data's now.
  clockOffset = 0;
  records = 0;
  private series = new Map<string, Map<string, Series>>();
  private lastSeen = new Map<string, number>();
  private delays: number[] = [];
  private arrivals: { at: number; n: number }[] = [];
  private socket?: WebSocket;
  private retry?: number;
  private pinger?: number;
  private closed = false;
  private waitMs = 500;
  private since = 0; // the server's time when it began to tell us
  private bestTrip = Infinity;
  private changed = new Set<() => void>();

  constructor(readonly stream: string) {
    this.connect();
  }

  onChange(tell: () => void): () => void {
    this.changed.add(tell);
    return () => this.changed.delete(tell);
  }
  now(): number {
    return Date.now() + this.clockOffset;
  }
  get(measure: string, device: string): Series | undefined {
    return this.series.get(measure)?.get(device);
  }
  latest(measure: string, device: string): number | undefined {
    const series = this.get(measure, device);
    return series && series.values[series.values.length - 1];
  }
  seen(device: string): number | undefined {
    return this.lastSeen.get(device);
  }
  // Arrival in the stream to arrival here, the median of the last points.
  delay(): number | undefined {
    if (this.delays.length === 0) return undefined;
    const sorted = [...this.delays].sort((a, b) => a - b);
    return Math.max(0, sorted[sorted.length >> 1]!);
  }
  // Records a second over the last five.
  rate(): number {
    const now = Date.now();
    this.arrivals = this.arrivals.filter((entry) => now - entry.at < 5000);
    return this.arrivals.reduce((sum, entry) => sum + entry.n, 0) / 5;
  }
  close() {
    this.closed = true;
    clearTimeout(this.retry);
    clearInterval(this.pinger);
    this.socket?.close();
  }

  private connect() {
    const url = new URL("/live?stream=" + encodeURIComponent(this.stream), location.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(url);
    this.socket = socket;
    socket.onopen = () => {
      this.waitMs = 500;
      this.status = { ...this.status, connected: true, everConnected: true, error: undefined };
      this.ping();
      this.pinger = window.setInterval(() => this.ping(), 5000);
      this.tell();
    };
    socket.onmessage = (event) => this.onFrame(JSON.parse(event.data as string) as Frame);
    socket.onclose = () => {
      clearInterval(this.pinger);
      if (this.closed) return;
      this.status = { ...this.status, connected: false };
      this.tell();
      // A session that ended refuses the WebSocket without saying why; the API says it and leads to the sign-in.
      if (this.waitMs >= 1000) void fetch("/api/session", { headers: { "x-wellhead-console": "1" } })
        .then((answer) => answer.status === 401 && location.reload(), () => undefined);
      this.retry = window.setTimeout(() => this.connect(), this.waitMs);
      this.waitMs = Math.min(this.waitMs * 2, 5000);
    };
  }
  private ping() {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify({ t: "ping", c: Date.now() }));
  }
  private tell() {
    this.changed.forEach((each) => each());
  }

  private onFrame(frame: Frame) {
    const here = Date.now();
    switch (frame.t) {
      case "hello":
        this.since = frame.now;
        this.clockOffset = frame.now - here;
        break;
      case "pong":
        // The quickest round trip tells the clocks' difference best.
        if (here - frame.c <= this.bestTrip) {
          this.bestTrip = here - frame.c;
          this.clockOffset = frame.s - (frame.c + here) / 2;
        }
        return;
      case "drop":
        this.status = { ...this.status, dropped: this.status.dropped + frame.n };
        break;
      case "error":
        this.status = { ...this.status, error: frame.m };
        break;
      case "d":
        this.onData(frame, here);
        break;
    }
    this.tell();
  }

  private onData(frame: Extract<Frame, { t: "d" }>, here: number) {
    this.records += frame.n;
    const delay = here + this.clockOffset - frame.a;
    // What was in the stream before this page came says nothing about the delay; the rate goes by the arrival there.
    if (frame.n > 0 && frame.a >= this.since) {
      this.delays.push(delay);
      if (this.delays.length > 15) this.delays.shift();
    }
    this.arrivals.push({ at: frame.a - this.clockOffset, n: frame.n });
    let fresh = false;
    for (const measure of frame.m) {
      if (!this.series.has(measure)) {
        this.series.set(measure, new Map());
        this.measures.push(measure);
        fresh = true;
      }
    }
    const stride = 2 + frame.m.length;
    for (let at = 0; at + stride <= frame.r.length; at += stride) {
      const device = frame.d[frame.r[at] as number]!;
      const time = frame.r[at + 1] as number;
      this.lastSeen.set(device, Math.max(time, this.lastSeen.get(device) ?? 0));
      for (let m = 0; m < frame.m.length; ++m) {
        const value = frame.r[at + 2 + m];
        if (value === null || value === undefined) continue;
        const perDevice = this.series.get(frame.m[m]!)!;
        let series = perDevice.get(device);
        if (!series) {
          series = { device, times: [], values: [], start: 0 };
          perDevice.set(device, series);
          if (!this.devices.includes(device)) {
            this.devices.push(device);
            this.devices.sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
            fresh = true;
          }
        }
        insert(series, time, value);
      }
    }
    if (fresh) this.measures.sort();
    const oldest = this.now() - KEEP_MS;
    for (const perDevice of this.series.values()) for (const series of perDevice.values()) trim(series, oldest);
  }
}

// Mostly at the end; a late point goes where its time belongs; the same time again (a second delivery) replaces.
function insert(series: Series, time: number, value: number) {
  let at = series.times.length;
  while (at > 0 && series.times[at - 1]! > time) --at;
  if (at > 0 && series.times[at - 1] === time) {
    series.values[at - 1] = value;
  } else if (at === series.times.length) {
    series.times.push(time);
    series.values.push(value);
  } else {
    series.times.splice(at, 0, time);
    series.values.splice(at, 0, value);
  }
}
function trim(series: Series, oldest: number) {
  while (series.start < series.times.length && series.times[series.start]! < oldest) ++series.start;
  if (series.start > 2000) {
    series.times.splice(0, series.start);
    series.values.splice(0, series.start);
    series.start = 0;
  }
}

// A silence longer than this is a gap: three usual steps, at least 2.5 s.
export function gapAfter(series: Series): number {
  const steps: number[] = [];
  const length = series.times.length;
  for (let at = Math.max(series.start + 1, length - 40); at < length; ++at) {
    steps.push(series.times[at]! - series.times[at - 1]!);
  }
  if (steps.length === 0) return 2500;
  steps.sort((a, b) => a - b);
  return Math.max(2500, 3 * steps[steps.length >> 1]!);
}

// The feed of a stream while a page shows it. Re-renders the caller when the set of devices or the status changes, and
// at most four times a second for the numbers; the charts draw by themselves.
export function useLiveFeed(stream: string | undefined): LiveFeed | undefined {
  const [feed, setFeed] = useState<LiveFeed>();
  const [, render] = useState(0);
  useEffect(() => {
    if (stream === undefined) {
      setFeed(undefined);
      return;
    }
    const opened = new LiveFeed(stream);
    setFeed(opened);
    let due: number | undefined;
    const stop = opened.onChange(() => {
      due ??= window.setTimeout(() => {
        due = undefined;
        render((n) => n + 1);
      }, 250);
    });
    const tick = window.setInterval(() => render((n) => n + 1), 1000);
    return () => {
      stop();
      clearInterval(tick);
      clearTimeout(due);
      opened.close();
    };
  }, [stream]);
  return feed;
}
