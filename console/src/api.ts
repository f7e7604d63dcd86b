// The console backend's JSON interface (src/services/console), as types and calls.
import { useCallback, useEffect, useRef, useState } from "react";

export interface Session {
  user: string;
  email?: string;
  groups: string[];
  region: string;
  account: string;
  endpoint?: string;
  version?: string;
}

export type StageId =
  | "devices" | "broker" | "rules" | "streams" | "live" | "delivery" | "buckets" | "catalog" | "sql";

export interface Stage {
  id: StageId;
  names: string[];
  count: number;
  state: "ok" | "idle" | "warning" | "error" | "absent";
  note?: string;
}
export interface Flow {
  from: StageId;
  to: StageId;
  // Per second; absent where nothing is measured.
  rate?: number;
  unit: string;
  total?: number;
}
export interface Pipeline {
  stages: Stage[];
  flows: Flow[];
}

export interface Thing {
  name: string;
  type?: string;
  attributes: Record<string, string>;
  version: number;
}
export interface ThingDetail extends Thing {
  arn: string;
  certificates: { id: string; status: string; created?: number; policies: string[] }[];
  shadow?: unknown;
}
export interface Stream {
  name: string;
  arn: string;
  status: string;
  openShards: number;
  retentionHours: number;
  created?: number;
  mode?: string;
  consumers: number;
}
export interface Shard {
  id: string;
  parent?: string;
  firstHash: string;
  lastHash: string;
  firstSequence: string;
  closed: boolean;
}
export interface StreamRecord {
  sequence: string;
  partitionKey: string;
  arrival: number;
  data: string;
  binary: boolean;
}
export interface Bucket {
  name: string;
  created?: number;
}
export interface ObjectEntry {
  key: string;
  size: number;
  modified?: number;
}
export interface ObjectPage {
  prefixes: string[];
  objects: ObjectEntry[];
  next?: string;
}
export interface Column {
  name: string;
  type: string;
  comment?: string;
}
export interface Table {
  name: string;
  database: string;
  location?: string;
  format?: string;
  columns: Column[];
  partitionKeys: Column[];
  created?: number;
  updated?: number;
}
export interface Partition {
  values: string[];
  location?: string;
}
export interface Crawler {
  name: string;
  state: string;
  database?: string;
  targets: string[];
  schedule?: string;
  lastStatus?: string;
  lastStart?: number;
  lastError?: string;
}
export interface Query {
  id: string;
  sql: string;
  database?: string;
  state: "QUEUED" | "RUNNING" | "SUCCEEDED" | "FAILED" | "CANCELLED";
  reason?: string;
  submitted?: number;
  millis?: number;
  scannedBytes?: number;
  output?: string;
}
export interface QueryPage {
  columns: { name: string; type: string }[];
  rows: (string | null)[][];
  next?: string;
}

export class ApiError extends Error {
  constructor(readonly status: number, readonly code: string, message: string) {
    super(message);
  }
}

export async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      headers: { "x-wellhead-console": "1", ...(body === undefined ? {} : { "content-type": "application/json" }) },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new ApiError(0, "Unreachable", "Wellhead does not answer. It may be restarting.");
  }
  if (response.status === 401) {
    window.location.href = "/login-start?next=" + encodeURIComponent(location.pathname + location.search);
    throw new ApiError(401, "SignedOut", "Your session has ended.");
  }
  const text = await response.text();
  let value: unknown;
  try {
    value = text === "" ? {} : JSON.parse(text);
  } catch {
    throw new ApiError(response.status, "BadAnswer", `The console's backend answered ${response.status}.`);
  }
  if (!response.ok) {
    const error = value as { code?: string; message?: string };
    throw new ApiError(response.status, error.code ?? "Error", error.message ?? `Status ${response.status}`);
  }
  return value as T;
}
export const get = <T>(path: string) => call<T>("GET", path);
export const post = <T>(path: string, body: unknown = {}) => call<T>("POST", path, body);

export interface Loaded<T> {
  value?: T;
  error?: ApiError;
  loading: boolean;
  reload: () => void;
}

// Loads path, again every periodMs when given, and keeps the last good value while a reload fails.
export function useLoaded<T>(path: string | undefined, periodMs?: number): Loaded<T> {
  const [state, setState] = useState<{ path?: string; value?: T; error?: ApiError; loading: boolean }>({ loading: true });
  const running = useRef(0);
  const load = useCallback(async () => {
    if (path === undefined) return;
    const mine = ++running.current;
    setState((before) => (before.path === path ? { ...before, loading: true } : { path, loading: true }));
    try {
      const value = await get<T>(path);
      if (mine === running.current) setState({ path, value, loading: false });
    } catch (error) {
      if (mine !== running.current) return;
      setState((before) => ({ ...before, path, error: error as ApiError, loading: false }));
    }
  }, [path]);
  useEffect(() => {
    void load();
    if (periodMs === undefined) return;
    const timer = setInterval(() => document.visibilityState === "visible" && void load(), periodMs);
    return () => clearInterval(timer);
  }, [load, periodMs]);
  const current = state.path === path ? state : { loading: path !== undefined };
  return { ...(current as Omit<Loaded<T>, "reload">), reload: () => void load() };
}
