/**
 * The settings, read once at start from environment variables: a table with a row for each, which
 * the README repeats (a test compares them). Pure, so that every complaint is a test. A name that is
 * not here and a value that makes no sense are refused: a setting that is silently ignored is found
 * out in production.
 */

import { GROUP, TOPIC } from "./limits.ts";

export interface Settings {
  /** Where it listens. */
  readonly host: string;
  readonly port: number;
  /** A file, `:memory:`, or the address of a KV Connect server. */
  readonly store: string;
  /** What a KV Connect server asks for. */
  readonly storeToken: string | undefined;
  /** Partitions of a topic that is made on first use; 0: topics must be created. */
  readonly autoPartitions: number;
  readonly heartbeatMs: number;
  readonly sessionTimeoutMs: number;
  /** How long a gateway may be silent in a shared store before others take its members over. */
  readonly leaseMs: number;
  readonly drainMs: number;
  /** Everyone may connect: it listens beyond loopback, and answers any `Host`. */
  readonly open: boolean;
  /** What serves sockets: `npm:ws`, or the platform itself. */
  readonly sockets: "ws" | "native";
  /** Origins of browsers that are let in besides the gateway's own, in their normal form. */
  readonly origins: readonly string[];
}

/** The start is refused. The message is one line for the operator. */
export class StartRefused extends Error {
  override readonly name = "StartRefused";
}

/** Reads a value, or returns undefined if it is not one. */
interface Row<T> {
  readonly initial: string;
  /** Follows "must be". */
  readonly expected: string;
  read(text: string): T | undefined;
}

function integer(initial: string, min: number, max: number): Row<number> {
  return {
    initial,
    expected: `a whole number from ${min} to ${max}`,
    read(text) {
      const value = /^\d{1,15}$/.test(text) ? Number(text) : NaN;
      return value >= min && value <= max ? value : undefined;
    },
  };
}

const day = 24 * 3_600_000;

/** Variable → how it is read. */
export const SETTINGS = {
  HOST: {
    initial: "127.0.0.1",
    expected: "an address or a host name",
    read: (text) => /^[A-Za-z0-9._:-]+$/.test(text) ? text : undefined,
  } satisfies Row<string>,
  PORT: integer("8080", 0, 65_535),
  WEIR_STORE: {
    initial: "data/weir.kv",
    expected: "the path of a file, :memory:, or the http(s) address of a KV Connect server",
    read: readStore,
  } satisfies Row<string>,
  WEIR_AUTO_PARTITIONS: integer("8", 0, TOPIC.partitions),
  WEIR_HEARTBEAT_MS: integer("15000", 50, day),
  WEIR_SESSION_TIMEOUT_MS: integer("45000", GROUP.minSessionMs, GROUP.maxSessionMs),
  WEIR_LEASE_MS: integer("10000", 500, day),
  WEIR_DRAIN_MS: integer("10000", 0, 600_000),
  WEIR_OPEN: {
    initial: "false",
    expected: "true or false",
    read: (text) => text === "true" ? true : text === "false" ? false : undefined,
  } satisfies Row<boolean>,
  WEIR_SOCKETS: {
    initial: "ws",
    expected: "ws or native",
    read: (text) => text === "ws" || text === "native" ? text : undefined,
  } satisfies Row<"ws" | "native">,
  WEIR_ORIGINS: {
    initial: "",
    expected: "origins such as https://app.example, separated by commas",
    read: readOrigins,
  } satisfies Row<readonly string[]>,
} as const;

type Variable = keyof typeof SETTINGS;

/** What is different on Deno Deploy, where the platform stands in front and gives 5 s to stop. */
const DEPLOY: Readonly<Partial<Record<Variable, string>>> = {
  WEIR_SOCKETS: "native",
  WEIR_DRAIN_MS: "4000",
};

/** The settings that `environment` asks for. Throws `StartRefused`. */
export function readSettings(environment: Readonly<Record<string, string>>): Settings {
  for (const name of Object.keys(environment)) {
    if (name.startsWith("WEIR_") && !(name in SETTINGS)) throw unknownName(name);
  }
  const onDeploy = environment["DENO_DEPLOYMENT_ID"] !== undefined;
  const get = <T>(name: Variable, row: Row<T>): T => {
    const text = environment[name] ?? (onDeploy ? DEPLOY[name] : undefined) ?? row.initial;
    const value = row.read(text.trim());
    if (value === undefined) {
      throw new StartRefused(`${name} must be ${row.expected}, not ${JSON.stringify(text)}`);
    }
    return value;
  };
  const sessionTimeoutMs = get("WEIR_SESSION_TIMEOUT_MS", SETTINGS.WEIR_SESSION_TIMEOUT_MS);
  const settings: Settings = {
    host: get("HOST", SETTINGS.HOST),
    port: get("PORT", SETTINGS.PORT),
    store: get("WEIR_STORE", SETTINGS.WEIR_STORE),
    storeToken: environment["DENO_KV_ACCESS_TOKEN"],
    autoPartitions: get("WEIR_AUTO_PARTITIONS", SETTINGS.WEIR_AUTO_PARTITIONS),
    heartbeatMs: heartbeat(
      get("WEIR_HEARTBEAT_MS", SETTINGS.WEIR_HEARTBEAT_MS),
      environment["WEIR_HEARTBEAT_MS"] !== undefined,
      sessionTimeoutMs,
    ),
    sessionTimeoutMs,
    leaseMs: get("WEIR_LEASE_MS", SETTINGS.WEIR_LEASE_MS),
    drainMs: get("WEIR_DRAIN_MS", SETTINGS.WEIR_DRAIN_MS),
    open: get("WEIR_OPEN", SETTINGS.WEIR_OPEN),
    sockets: get("WEIR_SOCKETS", SETTINGS.WEIR_SOCKETS),
    origins: get("WEIR_ORIGINS", SETTINGS.WEIR_ORIGINS),
  };
  if (!settings.open && !isLoopback(settings.host)) {
    throw new StartRefused(
      `HOST is ${settings.host}, where everyone could connect: ` +
        "set WEIR_OPEN=true if that is meant, or HOST to 127.0.0.1",
    );
  }
  return Object.freeze(settings);
}

/** A session must have time for several heartbeats, or healthy clients would be taken for dead. */
function heartbeat(heartbeatMs: number, given: boolean, sessionTimeoutMs: number): number {
  if (!given) return Math.min(heartbeatMs, Math.floor(sessionTimeoutMs / 3));
  if (heartbeatMs < sessionTimeoutMs) return heartbeatMs;
  throw new StartRefused(
    `WEIR_HEARTBEAT_MS must be below WEIR_SESSION_TIMEOUT_MS (${sessionTimeoutMs}), ` +
      `not ${heartbeatMs}`,
  );
}

/** Whether `host` (without port or brackets) can only mean this machine. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
}

/**
 * An origin in its normal form (lower case, no default port), or undefined if `text` is none.
 * Browsers send them so; apps in a shell have schemes of their own (`capacitor://localhost`).
 */
export function normalOrigin(text: string): string | undefined {
  const match = /^([a-z][a-z0-9+.-]*):\/\/([a-z0-9.-]+|\[[0-9a-f:.]+\])(?::(\d{1,5}))?$/i.exec(
    text,
  );
  if (!match) return undefined;
  const scheme = match[1]!.toLowerCase();
  const port = match[3];
  const standard = (scheme === "http" && port === "80") || (scheme === "https" && port === "443");
  return `${scheme}://${match[2]!.toLowerCase()}${port && !standard ? `:${port}` : ""}`;
}

/** A file's path as it is; an address without what does not belong there. */
function readStore(text: string): string | undefined {
  if (!/^[a-z]+:\/\//i.test(text)) return text === "" ? undefined : text;
  const url = URL.parse(text);
  return url && /^https?:$/.test(url.protocol) ? url.href : undefined;
}

function readOrigins(text: string): readonly string[] | undefined {
  if (text === "") return [];
  const origins = text.split(",").map((part) => normalOrigin(part.trim()));
  return origins.every((origin) => origin !== undefined) ? origins : undefined;
}

function unknownName(name: string): StartRefused {
  const ranked = Object.keys(SETTINGS)
    .map((known) => ({ known, distance: editDistance(name, known) }))
    .sort((a, b) => a.distance - b.distance);
  const nearest = ranked[0]!;
  const hint = nearest.distance <= name.length / 3
    ? `did you mean ${nearest.known}?`
    : `there are ${Object.keys(SETTINGS).join(", ")}`;
  return new StartRefused(`${name} is not a setting: ${hint}`);
}

/** Letters to insert, delete or replace to get from `a` to `b`. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
