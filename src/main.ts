/**
 * The composition root: reads the environment, opens the store, the gateway and the listeners;
 * serves until a signal comes, drains, and ends. A start that fails is one line on standard error
 * and exit code 1.
 */

import project from "../deno.json" with { type: "json" };
import { AssertionFailed } from "./assert.ts";
import { hasKeys, isLoopback, readSettings, type Settings, StartRefused } from "./config.ts";
import { Gateway } from "./gateway.ts";
import { readableEnvironment } from "./host/environment.ts";
import type { Clock, Host } from "./host/host.ts";
import { onStop } from "./host/signals.ts";
import { systemHost, type SystemTelemetry } from "./host/system.ts";
import { anyone, type Authenticate } from "./identity/identity.ts";
import { TICK_MS } from "./limits.ts";
import { createApp } from "./server/app.ts";
import { audited } from "./server/audit.ts";
import { clientRoutes } from "./server/client_module.ts";
import { Crowd } from "./server/crowd.ts";
import { eventRoutes } from "./server/events.ts";
import { groupRoutes } from "./server/groups.ts";
import { healthRoutes, metricsRoutes } from "./server/operations.ts";
import { Jwks } from "./server/jwks.ts";
import { serveMetrics } from "./server/metrics_listener.ts";
import { producerRoutes } from "./server/producers.ts";
import { recordRoutes } from "./server/records.ts";
import { statusRoutes } from "./server/status_page.ts";
import { tokenCheck } from "./server/tokens.ts";
import { type Listener, socketRoutes } from "./server/upgrade.ts";
import { topicRoutes } from "./server/topics.ts";
import { openDenoKv, StoreRefused } from "./store/deno_kv.ts";
import type { Store } from "./store/store.ts";
import type { Wire } from "./session/wire.ts";

/** Why it is not ready. */
const NO_STORE = "The store cannot be reached";
const NO_KEYS = "The keys for tokens could not be fetched yet";

async function serve(): Promise<void> {
  const settings = readSettings(readableEnvironment());
  const host = systemHost(settings.reports);
  reportWhatNobodyCatches(host.telemetry);
  const store = await openStore(settings);
  const server = `weir ${project.version}`;
  const tokens = tokensOf(settings, host);
  const { authenticate } = tokens;
  const gateway = new Gateway({ store, host, settings, server, authenticate });
  gateway.lost.addEventListener("abort", () => {
    end(75, "it has been out of touch with its store for too long");
  });
  await gateway.start();
  const listener = await openDoors(gateway, settings, tokens, host);
  const ticking = setInterval(() => gateway.tick(), TICK_MS);
  const stop = new Promise<void>((resolve) =>
    onStop(resolve, () => end(1, "a second signal came before it had drained"))
  );
  print(Deno.stdout, `weir ${project.version} listening on ${listener.url}`);

  await stop;
  await gateway.drain();
  clearInterval(ticking);
  await listener.close();
  await gateway.close();
  store.close();
  Deno.exit(0);
}

/** The client for KV Connect servers is loaded only if it is used. */
async function openStore({ store, storeToken }: Settings): Promise<Store> {
  if (!/^https?:/.test(store)) return await openDenoKv(store);
  const { openKvConnect } = await import("./store/kv_connect.ts");
  return await openKvConnect(store, storeToken);
}

async function openDoors(
  gateway: Gateway,
  settings: Settings,
  { authenticate, haveKeys }: Tokens,
  { clock, telemetry }: Host & { readonly telemetry: SystemTelemetry },
): Promise<Listener> {
  const { host, port, metricsPort, origins, trustedProxies } = settings;
  // Where tokens are required, a page gains nothing by reaching this machine under some other name.
  const rules = { open: settings.open || hasKeys(settings.tokens), origins };
  const numbers = {
    metrics: () => telemetry.metrics(),
    gauges: () => ({ ...gateway.gauges, resident_bytes: Deno.memoryUsage().rss }),
  };
  const { broker, leaving, subjects } = gateway;
  const crowd = crowdOf(settings, clock);
  const fetch = createApp({
    rules,
    telemetry,
    authenticate,
    publicRoutes: {
      ...socketRoutes,
      ...clientRoutes,
      ...statusRoutes(`weir ${project.version}`),
      ...healthRoutes({
        obstacle: async () => !haveKeys() ? NO_KEYS : await gateway.ready() ? undefined : NO_STORE,
        leaving,
      }),
    },
    routes: audited({
      ...topicRoutes(broker),
      ...recordRoutes(broker, subjects),
      ...eventRoutes({ broker, leaving, crowd, subjects }),
      ...producerRoutes(broker, subjects),
      ...groupRoutes(broker),
      ...(metricsPort === undefined ? metricsRoutes(numbers) : {}),
    }, telemetry),
  });
  if (metricsPort !== undefined) {
    const options = { host, port: metricsPort, rules, telemetry, numbers };
    await listening(host, metricsPort, () => serveMetrics(options));
  }
  const listen = await adapterOf(settings, telemetry);
  const connect = (wire: Wire) => gateway.connect(wire);
  const options = { host, port, fetch, rules, crowd, trustedProxies, telemetry, connect };
  return await listening(host, port, () => listen(options));
}

async function listening<T>(host: string, port: number, listen: () => T): Promise<Awaited<T>> {
  try {
    return await listen();
  } catch (error) {
    throw new StartRefused(`Cannot listen on ${host}:${port}: ${(error as Error).message}`);
  }
}

/** Per-address limits apply only where tokens are required: without them everyone is trusted. */
function crowdOf({ limits, tokens }: Settings, clock: Clock): Crowd {
  const { sockets, socketsPerAddress, newSockets } = limits;
  const strangers = hasKeys(tokens) ? { socketsPerAddress, newSockets } : undefined;
  return new Crowd(clock, { sockets, strangers });
}

interface Tokens {
  readonly authenticate: Authenticate;
  /** Whether tokens can be checked. */
  readonly haveKeys: () => boolean;
}

/** The checker of tokens. Public keys are fetched in the background. */
function tokensOf({ tokens }: Settings, host: Host): Tokens {
  if (!hasKeys(tokens)) return { authenticate: anyone, haveKeys: () => true };
  const { secret, jwksUrl, issuer, audience } = tokens;
  const jwks = jwksUrl === undefined ? undefined : new Jwks({ url: jwksUrl, host });
  jwks?.start();
  const secretBytes = secret === undefined ? undefined : new TextEncoder().encode(secret);
  return {
    authenticate: tokenCheck({ secret: secretBytes, jwks, issuer, audience }, host.clock),
    haveKeys: () => secret !== undefined || jwks?.ready === true,
  };
}

/**
 * The adapter that the settings name. Only that one is loaded, since the other one's packages may
 * not run on this platform.
 */
async function adapterOf({ sockets, host }: Settings, telemetry: SystemTelemetry) {
  if (sockets === "ws") return (await import("./server/ws_listener.ts")).listen;
  const { listenNative } = await import("./server/native_listener.ts");
  const { NATIVE_LIMITS } = await import("./server/native_socket.ts");
  // On Deno Deploy the platform's proxy is in front.
  if (!isLoopback(host) && !Deno.env.has("DENO_DEPLOYMENT_ID")) {
    telemetry.report("warn", "WEIR_SOCKETS=native is not for the open network", {
      because: NATIVE_LIMITS,
    });
  }
  return listenNative;
}

/**
 * An error that nothing catches is a bug of ours. It is reported, and everything that it does not
 * touch goes on. But if an invariant is broken outside of any socket or request, the memory cannot
 * be trusted any more, while the store can: the process ends, and the next one starts from the
 * store.
 */
function reportWhatNobodyCatches(telemetry: SystemTelemetry): void {
  const report = (event: Event, error: unknown) => {
    event.preventDefault();
    telemetry.count("uncaught_errors_total");
    telemetry.report("error", "An error was caught by nobody", { error });
    if (error instanceof AssertionFailed) end(70, `it must always be true that ${error.message}`);
  };
  globalThis.addEventListener("error", (event) => report(event, event.error));
  globalThis.addEventListener("unhandledrejection", (event) => report(event, event.reason));
}

/**
 * Ends the process with one line on why: what is stored is consistent, and the next one reads it.
 */
function end(code: number, why: string): never {
  leave(code, `weir ends: ${why}`);
}

/** The reader of the line may be gone, which is no reason to stay. */
function leave(code: number, line: string): never {
  try {
    print(Deno.stderr, line);
  } finally {
    Deno.exit(code);
  }
}

function print(to: { writeSync(bytes: Uint8Array): number }, line: string): void {
  to.writeSync(new TextEncoder().encode(`${line}\n`));
}

if (import.meta.main) {
  try {
    await serve();
  } catch (error) {
    if (error instanceof StartRefused || error instanceof StoreRefused) {
      leave(1, error.message);
    }
    systemHost().telemetry.report("error", "The gateway failed", { error });
    const { message } = error instanceof Error ? error : new Error(String(error));
    end(70, message.split("\n", 1)[0] ?? "");
  }
}
