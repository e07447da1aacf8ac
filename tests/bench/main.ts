/**
 * The benchmarks: `deno task bench [--rows P1,P4] [--seconds 5] [--repeats 3]`.
 *
 * The gateway runs on one core, the driver on another; what it is compared with runs in the same
 * repeat, in turn with it, so that a slow minute of the machine strikes both. Figures are medians of
 * the repeats. Nothing is asserted: the table is for reading.
 */

import { parseArgs } from "node:util";
import { Denokv } from "../support/denokv.ts";
import { clientFanOut, clientGroup, clientPublishes, parsedFanOut } from "./client_loads.ts";
import { idleOperations } from "./idle_store.ts";
import { fanOut, type Figure, group, idleLatency, idleMemory, publishes } from "./loads.ts";
import { pinned, type Server, startGateway, startScript } from "./processes.ts";
import { rawAppends, rawWrites } from "./raw_store.ts";

interface Row {
  readonly name: string;
  readonly load: string;
  /** Takes too long to be run with the others. */
  readonly onlyIfNamed?: true;
  /** Runs all sides once, and returns each side's figure by its name. */
  run(ms: number): Promise<Record<string, number>>;
}

const WINDOW = { sockets: 64, window: 64 };

const ROWS: readonly Row[] = [
  {
    name: "P1",
    load: "single-record publishes, 64 sockets × 64 in flight, durable acks, idempotent",
    run: async (ms) => ({
      ...await sides("weir", startGateway(), (s) => publishes(s, { ...WINDOW, records: 1, ms })),
      ...await sides(
        "bare one",
        startScript("bare_socket.ts", { MODE: "one" }),
        (s) => publishes(s, { ...WINDOW, records: 1, ms, bare: true }),
      ),
      ...await sides(
        "bare combined",
        startScript("bare_socket.ts", { MODE: "combined" }),
        (s) => publishes(s, { ...WINDOW, records: 1, ms, bare: true }),
      ),
    }),
  },
  {
    name: "P2",
    load: "publishes of 100 records, 16 sockets × 4 in flight",
    run: async (ms) => ({
      ...await sides(
        "weir",
        startGateway(),
        (s) => publishes(s, { sockets: 16, window: 4, records: 100, ms }),
      ),
      "raw appends of 500": await rawAppends(500, ms),
    }),
  },
  {
    name: "C2",
    load: "publishes of 100 records through the client, beside ready-made frames",
    run: async (ms) => ({
      ...await sides(
        "client",
        startGateway(),
        (s) => clientPublishes(s, { clients: 4, records: 100, ms }),
      ),
      ...await sides(
        "frames",
        startGateway(),
        (s) => publishes(s, { sockets: 16, window: 4, records: 100, ms }),
      ),
    }),
  },
  {
    name: "C3",
    load: "publish → group of 4 → commit through the client, beside ready-made frames",
    run: async (ms) => ({
      ...await sides("client", startGateway(), (s) => clientGroup(s, ms)),
      ...await sides("frames", startGateway(), (s) => group(s, ms)),
    }),
  },
  {
    name: "C4",
    load: "one record to 1,000 clients that follow, beside ready-made frames",
    run: async (ms) => ({
      ...await sides(
        "client",
        startGateway(),
        (s) => clientFanOut(s, { clients: 1_000, window: 16, ms }),
      ),
      ...await sides(
        "bare sockets that parse",
        startGateway(),
        (s) => parsedFanOut(s, { clients: 1_000, window: 16, ms }),
      ),
      ...await sides(
        "frames",
        startGateway(),
        (s) => fanOut(s, { sockets: 1_000, window: 16, ms }),
      ),
    }),
  },
  {
    name: "P3",
    load: "publish → group of 4 → commit, end to end",
    run: (ms) => sides("weir", startGateway(), (s) => group(s, ms)),
  },
  {
    name: "P4",
    load: "fan-out to 1,000 sockets, single records",
    run: async (ms) => ({
      ...await sides("weir", startGateway(), (s) => fanOut(s, { sockets: 1_000, window: 16, ms })),
      ...await sides(
        "bare loop",
        startScript("bare_socket.ts", { MODE: "broadcast" }),
        (s) => fanOut(s, { sockets: 1_000, window: 16, ms, bare: true }),
      ),
    }),
  },
  {
    name: "P5",
    load: "latency of a lone publish, ms",
    run: async () => {
      const weir = await withServer(startGateway(), (server) => idleLatency(server, 1_000));
      const raw = await rawWrites(1_000);
      return {
        "weir p50": at(weir, 0.5),
        "weir p99": at(weir, 0.99),
        "raw write p50": at(raw, 0.5),
        "raw write p99": at(raw, 0.99),
      };
    },
  },
  {
    name: "memory",
    load: "idle sockets with one subscription each (2,000), KiB a socket",
    run: async () => ({
      "weir": await withServer(startGateway(), (server) => idleMemory(server, 2_000)) / 1_024,
    }),
  },
  {
    name: "idle",
    load: "operations a second that idle gateways ask of a store that they share",
    run: async () => {
      const rates: Record<string, number> = {};
      for (const gateways of [1, 3, 20]) {
        for (const topics of [1, 10, 1_000]) {
          const { reads, scans, writes } = await idleOperations(gateways, topics);
          rates[`${gateways} gateways, ${topics} topics`] = reads + scans + writes;
        }
      }
      return rates;
    },
  },
  {
    name: "P9",
    load: "publishes of 100 records through gateways that share one denokv, all on one core",
    onlyIfNamed: true,
    run: async (ms) => ({
      "one": await clusterPublishes(1, () => "gps", ms),
      "three, one topic each": await clusterPublishes(3, (i) => `gps${i}`, ms),
      "three, the same topic": await clusterPublishes(3, () => "gps", ms),
    }),
  },
  {
    name: "soak",
    load: "resident memory under the load of P3 for the given seconds, MiB at every tenth",
    onlyIfNamed: true,
    run: (ms) =>
      withServer(startGateway(), async (server) => {
        const seen: Record<string, number> = {};
        const begun = performance.now();
        const looking = setInterval(() => {
          const tenths = Math.round((performance.now() - begun) / ms * 10);
          seen[`after ${tenths} tenths`] = server.rssBytes() / (1 << 20);
        }, ms / 10);
        await group(server, ms);
        clearInterval(looking);
        return seen;
      }),
  },
];

/** Records a second through so many gateways over a store of their own. */
async function clusterPublishes(
  gateways: number,
  topicOf: (gateway: number) => string,
  ms: number,
): Promise<number> {
  await using denokv = await Denokv.start();
  const servers = await Promise.all(
    Array.from({ length: gateways }, () => startGateway(denokv.environment)),
  );
  try {
    const load = { sockets: 4, window: 4, records: 100, ms };
    const figures = await Promise.all(
      servers.map((server, i) => publishes(server, { ...load, topic: topicOf(i) })),
    );
    return figures.reduce((sum, { perSecond }) => sum + perSecond, 0);
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
}

async function withServer<T>(starting: Promise<Server>, use: (server: Server) => Promise<T>) {
  const server = await starting;
  try {
    return await use(server);
  } finally {
    await server.stop();
  }
}

async function sides(
  name: string,
  starting: Promise<Server>,
  load: (server: Server) => Promise<Figure>,
): Promise<Record<string, number>> {
  const figure = await withServer(starting, load);
  if (figure.note) print(`    ${name}: ${figure.note}`);
  return { [name]: figure.perSecond, [`${name}, by server CPU`]: figure.perCpuSecond };
}

function at(sorted: readonly number[], quantile: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * quantile))] ?? NaN;
}

function median(figures: readonly number[]): number {
  return at([...figures].sort((a, b) => a - b), 0.5);
}

function print(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}

function show(figure: number): string {
  if (figure >= 1_000) return Math.round(figure).toLocaleString("en-US");
  return figure.toFixed(2);
}

async function repeat(row: Row, repeats: number, ms: number): Promise<void> {
  print(`\n${row.name}  ${row.load}`);
  const runs: Record<string, number>[] = [];
  for (let i = 0; i < repeats; i++) runs.push(await row.run(ms));
  const [first = {}] = runs;
  const ours = median(runs.map((run) => Object.values(run)[0] ?? NaN));
  for (const side of Object.keys(first)) {
    const figures = runs.map((run) => run[side] ?? NaN);
    const spread = `${show(Math.min(...figures))} … ${show(Math.max(...figures))}`;
    const ratio = side.startsWith("weir") || side.includes("CPU")
      ? ""
      : `   weir is ${(ours / median(figures)).toFixed(2)} ×`;
    print(`    ${side.padEnd(30)} ${show(median(figures)).padStart(12)}   (${spread})${ratio}`);
  }
}

/** Runs this program again on its own core, so that it does not share one with what it measures. */
async function onOwnCore(): Promise<void> {
  const [command, ...rest] = pinned(1);
  if (!command || Deno.env.get("WEIR_BENCH_PINNED")) return;
  const args = [...rest, Deno.execPath(), "run", "-A", "--unstable-kv", import.meta.filename ?? ""];
  const child = new Deno.Command(command, {
    args: [...args, ...Deno.args],
    env: { WEIR_BENCH_PINNED: "yes" },
  }).spawn();
  Deno.exit((await child.status).code);
}

if (import.meta.main) {
  await onOwnCore();
  Deno.env.delete("WEIR_BENCH_PINNED");
  const { values } = parseArgs({
    args: Deno.args,
    options: {
      rows: { type: "string" },
      seconds: { type: "string", default: "5" },
      repeats: { type: "string", default: "3" },
    },
  });
  const wanted = values.rows?.split(",");
  print(`deno task bench ${Deno.args.join(" ")}`);
  print(`Deno ${Deno.version.deno}, ${navigator.hardwareConcurrency} cores, ${Deno.build.target}`);
  for (const row of ROWS) {
    if (wanted ? !wanted.includes(row.name) : row.onlyIfNamed) continue;
    await repeat(row, Number(values.repeats), Number(values.seconds) * 1_000);
  }
}
