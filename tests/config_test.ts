import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { normalOrigin, readSettings, StartRefused } from "../src/config.ts";

Deno.test("with nothing set, the gateway serves this machine from a file", () => {
  assertEquals({ ...readSettings({}) }, {
    host: "127.0.0.1",
    port: 8080,
    store: "data/weir.kv",
    storeToken: undefined,
    autoPartitions: 8,
    heartbeatMs: 15_000,
    sessionTimeoutMs: 45_000,
    leaseMs: 10_000,
    drainMs: 10_000,
    metricsPort: undefined,
    reports: "info",
    limits: {
      sockets: 20_000,
      socketsPerAddress: 64,
      socketsPerSubject: 16,
      newSockets: 500,
      publishRecords: 1_000,
      publishBytes: 1_048_576,
    },
    trustedProxies: 0,
    tokens: { secret: undefined, jwksUrl: undefined, issuer: undefined, audience: undefined },
    open: false,
    sockets: "ws",
    origins: [],
  });
});

Deno.test("on Deno Deploy the platform has the sockets, and the drain is short, unless set", () => {
  const deployed = { DENO_DEPLOYMENT_ID: "x" };
  const { sockets, drainMs } = readSettings(deployed);
  assertEquals([sockets, drainMs], ["native", 4_000]);
  assertEquals(readSettings({ ...deployed, WEIR_SOCKETS: "ws" }).sockets, "ws");
});

Deno.test("every setting is taken from its variable", () => {
  const settings = readSettings({
    HOST: "0.0.0.0",
    PORT: "0",
    WEIR_STORE: "https://KV.example",
    DENO_KV_ACCESS_TOKEN: "secret",
    WEIR_LEASE_MS: "600",
    WEIR_AUTO_PARTITIONS: "0",
    WEIR_HEARTBEAT_MS: "100",
    WEIR_SESSION_TIMEOUT_MS: "300",
    WEIR_DRAIN_MS: "500",
    WEIR_METRICS_PORT: "9100",
    WEIR_REPORTS: "warn",
    WEIR_JWT_SECRET: "0123456789 0123456789 0123456789",
    WEIR_JWKS_URL: "https://ID.example/keys",
    WEIR_JWT_ISSUER: "https://id.example",
    WEIR_JWT_AUDIENCE: "weir",
    WEIR_MAX_SOCKETS: "1",
    WEIR_SOCKETS_PER_ADDRESS: "2",
    WEIR_SOCKETS_PER_SUBJECT: "3",
    WEIR_NEW_SOCKETS: "4",
    WEIR_PUBLISH_RECORDS: "5",
    WEIR_PUBLISH_BYTES: "6",
    WEIR_TRUSTED_PROXIES: "7",
    WEIR_OPEN: "true",
    WEIR_SOCKETS: "native",
    WEIR_ORIGINS: "https://App.example:443, capacitor://localhost",
    PATH: "/bin",
  });
  assertEquals({ ...settings }, {
    host: "0.0.0.0",
    port: 0,
    store: "https://kv.example/",
    storeToken: "secret",
    autoPartitions: 0,
    heartbeatMs: 100,
    sessionTimeoutMs: 300,
    leaseMs: 600,
    drainMs: 500,
    metricsPort: 9_100,
    reports: "warn",
    limits: {
      sockets: 1,
      socketsPerAddress: 2,
      socketsPerSubject: 3,
      newSockets: 4,
      publishRecords: 5,
      publishBytes: 6,
    },
    trustedProxies: 7,
    tokens: {
      secret: "0123456789 0123456789 0123456789",
      jwksUrl: "https://id.example/keys",
      issuer: "https://id.example",
      audience: "weir",
    },
    open: true,
    sockets: "native",
    origins: ["https://app.example", "capacitor://localhost"],
  });
});

Deno.test("heartbeats that are not set follow a short session timeout", () => {
  assertEquals(readSettings({ WEIR_SESSION_TIMEOUT_MS: "600" }).heartbeatMs, 200);
});

const refusals: readonly [Record<string, string>, RegExp][] = [
  [{ WEIR_STOER: "x" }, /^WEIR_STOER is not a setting: did you mean WEIR_STORE\?$/],
  [{ WEIR_HEARTBEAT: "1" }, /did you mean WEIR_HEARTBEAT_MS\?$/],
  [{ WEIR_COMPRESSION: "x" }, /^WEIR_COMPRESSION is not a setting: there are HOST, PORT, WEIR_/],
  [{ WEIR_: "x" }, /^WEIR_ is not a setting/],
  [{ PORT: "80a" }, /^PORT must be a whole number from 0 to 65535, not "80a"$/],
  [{ PORT: "65536" }, /^PORT must be/],
  [{ PORT: "" }, /^PORT must be/],
  [{ PORT: "1e3" }, /^PORT must be/],
  [{ WEIR_SOCKETS: "uws" }, /^WEIR_SOCKETS must be ws or native, not "uws"$/],
  [{ HOST: "a b" }, /^HOST must be an address or a host name, not "a b"$/],
  [
    { HOST: "0.0.0.0" },
    /^HOST is 0\.0\.0\.0, .* set WEIR_JWT_SECRET .*, or WEIR_OPEN=true .*, or HOST to 127\.0\.0\.1$/,
  ],
  [{ HOST: "127.evil.example" }, /^HOST is 127\.evil\.example/],
  [
    { WEIR_STORE: "" },
    /^WEIR_STORE must be the path of a file, :memory:, or the .* KV Connect server, not ""$/,
  ],
  [{ WEIR_STORE: "ftp://kv.example" }, /^WEIR_STORE must be/],
  [{ WEIR_LEASE_MS: "100" }, /^WEIR_LEASE_MS must be a whole number from 500/],
  [{ WEIR_AUTO_PARTITIONS: "1025" }, /^WEIR_AUTO_PARTITIONS must be a whole number from 0 to 1024/],
  [{ WEIR_SESSION_TIMEOUT_MS: "199" }, /^WEIR_SESSION_TIMEOUT_MS must be a whole number from 200/],
  [
    { WEIR_HEARTBEAT_MS: "1000", WEIR_SESSION_TIMEOUT_MS: "1000" },
    /^WEIR_HEARTBEAT_MS must be below WEIR_SESSION_TIMEOUT_MS \(1000\), not 1000$/,
  ],
  [{ WEIR_DRAIN_MS: "-1" }, /^WEIR_DRAIN_MS must be/],
  [
    { WEIR_METRICS_PORT: "0" },
    /^WEIR_METRICS_PORT must be a whole number from 1 to 65535, not "0"$/,
  ],
  [{ WEIR_REPORTS: "all" }, /^WEIR_REPORTS must be debug, info, warn or error, not "all"$/],
  [{ WEIR_OPEN: "yes" }, /^WEIR_OPEN must be true or false, not "yes"$/],
  [{ WEIR_ORIGINS: "*" }, /^WEIR_ORIGINS must be origins such as/],
  [{ WEIR_ORIGINS: "null" }, /^WEIR_ORIGINS must be/],
  [{ WEIR_ORIGINS: "https://app.example/" }, /^WEIR_ORIGINS must be/],
];

for (const [environment, line] of refusals) {
  const [name, value] = Object.entries(environment)[0]!;
  Deno.test(`${name}=${value} ends the start with one line that says what would be right`, () => {
    const { message } = assertThrows(() => readSettings(environment), StartRefused);
    assertMatch(message, line);
    assertEquals(message.includes("\n"), false);
  });
}

for (const host of ["localhost", "127.0.0.1", "127.1.2.3", "::1"]) {
  Deno.test(`${host} is this machine, and needs no WEIR_OPEN`, () => {
    assertEquals(readSettings({ HOST: host }).host, host);
  });
}

Deno.test("an origin has one normal form, and what is no origin has none", () => {
  const cases: readonly [string, string | undefined][] = [
    ["http://a.example", "http://a.example"],
    ["HTTPS://A.Example", "https://a.example"],
    ["http://a.example:80", "http://a.example"],
    ["https://a.example:80", "https://a.example:80"],
    ["http://[::1]:8080", "http://[::1]:8080"],
    ["null", undefined],
    ["", undefined],
    ["a.example", undefined],
    ["https://a.example/path", undefined],
    ["https://user@a.example", undefined],
    ["https://a.example, https://b.example", undefined],
    ["https://a.example:port", undefined],
  ];
  for (const [text, normal] of cases) assertEquals(normalOrigin(text), normal, text);
});

Deno.test("a secret that is too short is refused, and not shown", () => {
  const error = assertThrows(() => readSettings({ WEIR_JWT_SECRET: "hunter2" }), StartRefused);
  assertMatch(error.message, /^WEIR_JWT_SECRET must be a secret of at least 32 bytes$/);
});

Deno.test("with a key it listens anywhere, and without one only here unless told otherwise", () => {
  const secret = { WEIR_JWT_SECRET: "0123456789 0123456789 0123456789" };
  assertEquals(readSettings({ HOST: "0.0.0.0", ...secret }).host, "0.0.0.0");
  assertEquals(readSettings({ HOST: "::", WEIR_JWKS_URL: "https://id.example/keys" }).host, "::");
  assertThrows(() => readSettings({ HOST: "0.0.0.0", WEIR_JWKS_URL: "" }), StartRefused);
});

Deno.test("a key that is there and empty is none that was left out, nor is what a token must say", () => {
  const tokenSettings = [
    "WEIR_JWT_SECRET",
    "WEIR_JWKS_URL",
    "WEIR_JWT_ISSUER",
    "WEIR_JWT_AUDIENCE",
  ];
  for (const blank of ["", "  ", "\n"]) {
    for (const name of tokenSettings) {
      const key = { WEIR_JWT_SECRET: "0123456789 0123456789 0123456789" };
      const settings = { WEIR_OPEN: "true", ...key, [name]: blank };
      const { message } = assertThrows(() => readSettings(settings), StartRefused);
      assertEquals(message.startsWith(`${name} must be a`), true, message);
    }
  }
});

Deno.test("what a token must say is refused where no token is checked", () => {
  for (const name of ["WEIR_JWT_ISSUER", "WEIR_JWT_AUDIENCE"]) {
    const error = assertThrows(() => readSettings({ [name]: "x" }), StartRefused);
    assertMatch(error.message, /WEIR_JWT_SECRET or WEIR_JWKS_URL/);
  }
});
