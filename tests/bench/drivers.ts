/**
 * The city at its full size: drivers that send a fix a second each, several to a socket, and three
 * groups that read everything, as in the demo: a fare meter that publishes rides in one transaction
 * with its commits, surge pricing, and an archive. All of them are lean, since the demo's own would
 * need more cores than the gateway.
 */

import { pause } from "../../src/demo/pause.ts";
import { type Fix, readShifts } from "../../src/demo/fixes.ts";
import { quantile } from "./figures.ts";
import { fixText } from "./frames.ts";
import { joinGroup } from "./group_reading.ts";
import { CROWDED } from "./lean_client.ts";
import { answerPing, makeMany, withServer } from "./loads.ts";
import { Latencies, sendWhenDue } from "./open_loop.ts";
import { cpuSeconds, type Server } from "./processes.ts";
import { Publisher } from "./publishing.ts";
import type { Bench, Figures } from "./row.ts";

/** Several drivers share a socket, like those of a fleet, which sends all their fixes at once. */
const SOCKETS_PER_DRIVER = 0.15;
const GROUPS = ["fare-meter", "surge", "archive"];
const MEMBERS = 3;
const TOPIC = "fixes";
/** A ride for this share of the fixes. */
const RIDES = { topic: "rides", part: 0.01 };
const WARM_UP_MS = 5_000;
const DRAIN_MS = 60_000;
const TENTHS = 10;
const KIB = 1_024;
const MIB = 1 << 20;

export async function city(bench: Bench): Promise<Figures> {
  const { drivers } = bench;
  const sockets = Math.ceil(drivers * SOCKETS_PER_DRIVER);
  const valueOf = await values(bench.fixes);
  return await withServer(bench.gateway(), async (server) => {
    const before = server.rssBytes();
    const publishers = await makeMany(sockets, (number) => {
      const [fewest, rest] = [Math.floor(drivers / sockets), drivers % sockets];
      return Publisher.connect(server, number, {
        topic: TOPIC,
        sockets,
        window: 64,
        records: fewest + (number < rest ? 1 : 0),
        room: CROWDED,
        record: (socket, n) => {
          const own = fewest + (socket < rest ? 1 : 0);
          const driver = socket + n % own * sockets;
          return valueOf(driver, Math.floor(n / own));
        },
      });
    });
    await pause(2_000);
    const idle = (server.rssBytes() - before) / sockets / KIB;
    const drive = new Drive(server, publishers);
    await drive.joinGroups();
    const seconds = await drive.run(bench.minutes * 60_000);
    const most = Math.max(...drive.rss);
    return {
      "drivers": drivers,
      "sockets": sockets,
      ...drive.figures(seconds),
      "KiB an idle socket": idle,
      "KiB a socket in the run, at most": (most - before) / sockets / KIB,
      "RSS, MiB at every tenth": drive.rss.map((bytes) => Math.round(bytes / MIB)).join(" "),
    };
  });
}

/** One run, with its counters. */
class Drive {
  readonly #server: Server;
  readonly #publishers: readonly Publisher[];
  readonly #read = new Map<string, number>(GROUPS.map((group) => [group, 0]));
  #latencies = new Latencies(Infinity);
  #offered = 0;
  #acked = 0;
  #ackedInTime = 0;
  #lagSeen = 0;
  #refusedPublishes = 0;
  #refusedCommits = 0;
  #serverCores = NaN;
  #driverCores = NaN;
  readonly rss: number[] = [];

  constructor(server: Server, publishers: readonly Publisher[]) {
    this.#server = server;
    this.#publishers = publishers;
  }

  async joinGroups(): Promise<void> {
    for (const group of GROUPS) {
      await makeMany(MEMBERS, () =>
        joinGroup(this.#server, {
          group,
          topic: TOPIC,
          // A later commit stands for one that was refused.
          refused: () => this.#refusedCommits++,
          took: (records) => this.#read.set(group, (this.#read.get(group) ?? 0) + records),
          ...group === "fare-meter" && { transact: RIDES },
        }));
    }
  }

  /** Drives for so long, and on until everything is acknowledged and read; returns its seconds. */
  async run(ms: number): Promise<number> {
    this.#latencies = new Latencies(performance.now() + Math.min(WARM_UP_MS, ms / 10));
    for (const publisher of this.#publishers) this.#listen(publisher);
    const { length } = this.#publishers;
    const cpu = [this.#server.cpuSeconds(), cpuSeconds(Deno.pid)] as const;
    const begun = performance.now();
    const stop = sendWhenDue(length, (dueMs) => {
      const publisher = this.#publishers[this.#offered++ % length];
      publisher?.offer(dueMs);
    });
    for (let tenth = 0; tenth < TENTHS; tenth++) {
      await pause(ms / TENTHS);
      this.rss.push(this.#server.rssBytes());
      this.#lagSeen = Math.max(this.#lagSeen, this.#lag());
    }
    stop();
    this.#ackedInTime = this.#acked;
    const seconds = (performance.now() - begun) / 1_000;
    this.#serverCores = (this.#server.cpuSeconds() - cpu[0]) / seconds;
    this.#driverCores = (cpuSeconds(Deno.pid) - cpu[1]) / seconds;
    await this.#drain();
    return seconds;
  }

  figures(seconds: number): Figures {
    const sorted = this.#latencies.sorted();
    const lost = GROUPS.map((group) => this.#acked - (this.#read.get(group) ?? 0));
    return {
      "fixes acknowledged a second": this.#ackedInTime / seconds,
      "publish → ack, p50 ms": quantile(sorted, 0.5),
      "publish → ack, p99 ms": quantile(sorted, 0.99),
      "publish → ack, longest ms": sorted.at(-1) ?? NaN,
      "acknowledged": this.#acked,
      "publishes refused, and sent again": this.#refusedPublishes,
      "publishes not acknowledged": this.#unanswered(),
      ...Object.fromEntries(GROUPS.map((group, i) => [`lost to ${group}`, lost[i] ?? NaN])),
      "commits refused": this.#refusedCommits,
      "the most that a group was behind, records": this.#lagSeen,
      "cores of the gateway": this.#serverCores,
      "cores of the driver": this.#driverCores,
    };
  }

  #listen(publisher: Publisher): void {
    const { client, records } = publisher;
    client.onMessage = (bytes) => {
      const now = performance.now();
      const count = publisher.takeReplies(bytes, (dueMs) => this.#latencies.answered(dueMs, now));
      this.#acked += count * records;
      this.#refusedPublishes += publisher.takeRefusals(bytes);
      if (count === 0) answerPing(client, bytes);
    };
  }

  #lag(): number {
    return this.#acked - Math.min(...this.#read.values());
  }

  #unanswered(): number {
    return this.#publishers.reduce((sum, { unanswered }) => sum + [...unanswered].length, 0);
  }

  async #drain(): Promise<void> {
    const end = performance.now() + DRAIN_MS;
    while ((this.#unanswered() > 0 || this.#lag() > 0) && performance.now() < end) await pause(100);
  }
}

/** The nth fix of a driver: from a recording if there is one, else made up. */
async function values(file: string): Promise<(driver: number, n: number) => string> {
  const fixes = await recorded(file);
  if (fixes.length === 0) return (driver, n) => fixText(`d${driver}`, driver + n);
  const texts = fixes.map(({ lat, lon, time, occupied }) =>
    `"value":{"lat":${lat},"lon":${lon},"time":${time},"occupied":${occupied ? 1 : 0}}}`
  );
  // Each driver begins at another place in the recording.
  return (driver, n) => `{"key":"d${driver}",${texts[(driver * 7 + n) % texts.length] ?? ""}`;
}

async function recorded(file: string): Promise<readonly Fix[]> {
  try {
    return (await readShifts(file, 1)).flatMap(({ fixes }) => fixes);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}
