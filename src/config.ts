/**
 * The settings, read once at start from environment variables: a table with a row for each, which
 * the README repeats (a test compares them). Pure, so that every error message can be tested.
 * Unknown names and invalid values are refused, since an ignored setting would be noticed only in
 * production.
 */

import { GROUP, IDENTITY, SOCKETS, TOPIC } from "./limits.ts";

export interface Settings {
  /** Where it listens. */
  readonly host: string;
  readonly port: number;
  /** A file, `:memory:`, or the address of a KV Connect server. */
  readonly store: string;
  /** The access token for a KV Connect server. */
  readonly storeToken: string | undefined;
  /** Partitions of a topic that is created on first use; 0: topics must be created explicitly. */
  readonly autoPartitions: number;
  readonly heartbeatMs: number;
  readonly sessionTimeoutMs: number;
  /** How long a gateway may be silent in a shared store before others take its members over. */
  readonly leaseMs: number;
  readonly drainMs: number;
  /** Serves `/metrics`, which the main port then does not. */
  readonly metricsPort: number | undefined;
  /** The lowest level of diagnostics that is written. */
  readonly reports: "debug" | "info" | "warn" | "error";
  /** The keys that tokens are checked with, and the claims that they must have. */
  readonly tokens: TokenSettings;
  /** Limits for clients. */
  readonly limits: LimitSettings;
  /** Number of trusted proxies in front of it that report the client's address. */
  readonly trustedProxies: number;
  /** Everyone may connect: it listens beyond loopback, and answers any `Host`. */
  readonly open: boolean;
  /** The socket implementation: `npm:ws`, or the platform's own. */
  readonly sockets: "ws" | "native";
  /** Origins of pages that are let in besides the gateway's own, in their normal form. */
  readonly origins: readonly string[];
}

export interface LimitSettings {
  readonly sockets: number;
  readonly socketsPerAddress: number;
  readonly socketsPerSubject: number;
  /** Per second, all addresses together. */
  readonly newSockets: number;
  /** Per second and subject. */
  readonly publishRecords: number;
  readonly publishBytes: number;
}

export interface TokenSettings {
  /** For HS256. */
  readonly secret: string | undefined;
  /** Where to fetch public keys for the other algorithms. */
  readonly jwksUrl: string | undefined;
  readonly issuer: string | undefined;
  readonly audience: string | undefined;
}

/** Whether tokens are required. */
export function hasKeys({ secret, jwksUrl }: TokenSettings): boolean {
  return secret !== undefined || jwksUrl !== undefined;
}

/** The gateway cannot start. The message is one line for the operator. */
export class StartRefused extends Error {
  override readonly name = "StartRefused";
}

/** Parses a value; undefined if it is invalid. */
interface Row<T> {
  readonly initial: string;
  /** Follows "must be". */
  readonly expected: string;
  /** The value is never shown. */
  readonly secret?: true;
  /** Set but blank is an error: taken as unset, it would weaken or disable the check of tokens. */
  readonly guards?: true;
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

/** The value of an optional setting. */
interface Given<T> {
  readonly value: T | undefined;
}

function given<T>(row: Omit<Row<T>, "initial">): Row<Given<T>> {
  return {
    ...row,
    initial: "",
    read(text) {
      const value = text === "" ? undefined : row.read(text);
      return text === "" || value !== undefined ? { value } : undefined;
    },
  };
}

function words(expected: string): Row<Given<string>> {
  return given({
    expected: `${expected}, without control characters`,
    guards: true,
    read: (text) => /\p{Cc}/u.test(text) ? undefined : text,
  });
}

const DAY_MS = 24 * 3_600_000;

/** Each variable, and how it is read. */
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
  WEIR_HEARTBEAT_MS: integer("15000", 50, DAY_MS),
  WEIR_SESSION_TIMEOUT_MS: integer("45000", GROUP.minSessionMs, GROUP.maxSessionMs),
  WEIR_LEASE_MS: integer("10000", 500, DAY_MS),
  WEIR_DRAIN_MS: integer("10000", 0, 600_000),
  WEIR_METRICS_PORT: given(integer("", 1, 65_535)),
  WEIR_REPORTS: {
    initial: "info",
    expected: "debug, info, warn or error",
    read: (text) => (["debug", "info", "warn", "error"] as const).find((level) => level === text),
  } satisfies Row<Settings["reports"]>,
  WEIR_JWT_SECRET: given({
    expected: `a secret of at least ${IDENTITY.secretBytes} bytes`,
    secret: true,
    guards: true,
    read: readSecret,
  }),
  WEIR_JWKS_URL: given({ expected: "an http(s) address", guards: true, read: readAddress }),
  WEIR_JWT_ISSUER: words("an issuer"),
  WEIR_JWT_AUDIENCE: words("an audience"),
  WEIR_MAX_SOCKETS: integer("20000", 1, 1_000_000),
  WEIR_SOCKETS_PER_ADDRESS: integer("64", 1, 1_000_000),
  WEIR_SOCKETS_PER_SUBJECT: integer("16", 1, IDENTITY.sockets),
  WEIR_NEW_SOCKETS: integer("500", 1, 1_000_000),
  WEIR_PUBLISH_RECORDS: integer("1000", 1, IDENTITY.rate),
  WEIR_PUBLISH_BYTES: integer("1048576", 1, 1_000_000_000),
  WEIR_TRUSTED_PROXIES: integer("0", 0, SOCKETS.trustedProxies),
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

/** Defaults on Deno Deploy, whose own proxy is in front and which allows 5 s to stop. */
const DEPLOY: Readonly<Partial<Record<Variable, string>>> = {
  WEIR_SOCKETS: "native",
  WEIR_DRAIN_MS: "4000",
};

/** The settings in `environment`. Throws `StartRefused`. */
export function readSettings(environment: Readonly<Record<string, string>>): Settings {
  for (const name of Object.keys(environment)) {
    if (name.startsWith("WEIR_") && !(name in SETTINGS)) throw unknownName(name);
  }
  const onDeploy = environment["DENO_DEPLOYMENT_ID"] !== undefined;
  const get = <T>(name: Variable, row: Row<T>): T => {
    const text = environment[name] ?? (onDeploy ? DEPLOY[name] : undefined) ?? row.initial;
    const isBlank = row.guards === true && name in environment && text.trim() === "";
    const value = isBlank ? undefined : row.read(row.secret ? text : text.trim());
    if (value === undefined) {
      const given = row.secret ? "" : `, not ${JSON.stringify(text)}`;
      throw new StartRefused(`${name} must be ${row.expected}${given}`);
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
    metricsPort: get("WEIR_METRICS_PORT", SETTINGS.WEIR_METRICS_PORT).value,
    reports: get("WEIR_REPORTS", SETTINGS.WEIR_REPORTS),
    tokens: {
      secret: get("WEIR_JWT_SECRET", SETTINGS.WEIR_JWT_SECRET).value,
      jwksUrl: get("WEIR_JWKS_URL", SETTINGS.WEIR_JWKS_URL).value,
      issuer: get("WEIR_JWT_ISSUER", SETTINGS.WEIR_JWT_ISSUER).value,
      audience: get("WEIR_JWT_AUDIENCE", SETTINGS.WEIR_JWT_AUDIENCE).value,
    },
    limits: {
      sockets: get("WEIR_MAX_SOCKETS", SETTINGS.WEIR_MAX_SOCKETS),
      socketsPerAddress: get("WEIR_SOCKETS_PER_ADDRESS", SETTINGS.WEIR_SOCKETS_PER_ADDRESS),
      socketsPerSubject: get("WEIR_SOCKETS_PER_SUBJECT", SETTINGS.WEIR_SOCKETS_PER_SUBJECT),
      newSockets: get("WEIR_NEW_SOCKETS", SETTINGS.WEIR_NEW_SOCKETS),
      publishRecords: get("WEIR_PUBLISH_RECORDS", SETTINGS.WEIR_PUBLISH_RECORDS),
      publishBytes: get("WEIR_PUBLISH_BYTES", SETTINGS.WEIR_PUBLISH_BYTES),
    },
    trustedProxies: get("WEIR_TRUSTED_PROXIES", SETTINGS.WEIR_TRUSTED_PROXIES),
    open: get("WEIR_OPEN", SETTINGS.WEIR_OPEN),
    sockets: get("WEIR_SOCKETS", SETTINGS.WEIR_SOCKETS),
    origins: get("WEIR_ORIGINS", SETTINGS.WEIR_ORIGINS),
  };
  const { tokens, open, host } = settings;
  if (!open && !hasKeys(tokens) && !isLoopback(host)) {
    throw new StartRefused(
      `HOST is ${host}, where everyone could connect: set WEIR_JWT_SECRET or WEIR_JWKS_URL, ` +
        "or WEIR_OPEN=true if that is meant, or HOST to 127.0.0.1",
    );
  }
  if (!hasKeys(tokens) && (tokens.issuer ?? tokens.audience) !== undefined) {
    throw new StartRefused(
      "WEIR_JWT_ISSUER and WEIR_JWT_AUDIENCE say what a token must have: " +
        "they need WEIR_JWT_SECRET or WEIR_JWKS_URL",
    );
  }
  return Object.freeze(settings);
}

/** A session timeout must span several heartbeats, or healthy clients would be taken for dead. */
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
 * An origin in its normal form (lower case, no default port), or undefined if `text` is not one.
 * Browsers send them in this form; apps in a shell have schemes of their own
 * (`capacitor://localhost`).
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

/** A file's path unchanged; an address if it has no parts that do not belong there. */
function readStore(text: string): string | undefined {
  if (!/^[a-z]+:\/\//i.test(text)) return text === "" ? undefined : text;
  return readAddress(text);
}

function readSecret(text: string): string | undefined {
  const isLong = new TextEncoder().encode(text).length >= IDENTITY.secretBytes;
  return isLong ? text : undefined;
}

function readAddress(text: string): string | undefined {
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

/** Letters to insert, delete or replace to turn `a` into `b`. */
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
