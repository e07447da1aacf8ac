/**
 * The torture: `deno task torture --minutes 10 [--seed N]`. Real gateways over a real store, which are
 * killed, stopped in the middle of things, cut off and drained, with the store itself killed now and
 * then, while applications publish, follow, consume and pass on through the client. Then all is well
 * again, and what the applications were told is held against what is in the log.
 */

import { parseArgs } from "node:util";
import { type Client, connect } from "../../src/client/mod.ts";
import { GatewayApi } from "../../src/demo/gateway_api.ts";
import { readPartition } from "../../src/demo/read_all.ts";
import { Follower, Passer, Producing, Worker } from "../sim/apps.ts";
import type { Stored } from "../sim/gateway_site.ts";
import { Ledger } from "../sim/ledger.ts";
import { Fleet } from "./fleet.ts";
import { Reality } from "./reality.ts";

const GATEWAYS = 3;
const PARTITIONS = 3;
const TOPICS = ["a", "b"];
const PASSED_ON = "out";
const HEALING_MS = 60_000;
const CLOSING_MS = 15_000;
const LOOK_MS = 5_000;

export interface Ordeal {
  readonly violations: readonly string[];
  readonly counts: Readonly<Record<string, number>>;
  readonly recent: readonly string[];
}

/** Runs it for so long, and some time more to heal. */
export async function torture(minutes: number, seed: number): Promise<Ordeal> {
  const world = new Reality(seed);
  const ledger = new Ledger(world);
  ledger.topics = TOPICS;
  const fleet = await Fleet.start(world, GATEWAYS);
  const url = `http://127.0.0.1:${fleet.door.port}`;
  const api = new GatewayApi(url);
  for (const topic of [...TOPICS, PASSED_ON]) await api.makeTopic(topic, PARTITIONS);
  const clients: Client[] = [];
  const open = () => {
    const client = connect(url);
    clients.push(client);
    return client;
  };
  const site = { world, ledger };
  const producing = Array.from(
    { length: 12 },
    (_, i) =>
      new Producing(site, open(), { name: `p${i}`, topics: TOPICS, idempotent: i % 4 !== 3 }),
  );
  const followers = [...TOPICS, ...TOPICS].map((topic) => new Follower(site, open(), topic));
  const workers = Array.from({ length: 14 }, (_, i) => {
    const instance = i % 2 === 0 ? undefined : false as const;
    return new Worker(site, open(), { group: `g${i % 2}`, topics: TOPICS, instance });
  });
  const passers = Array.from(
    { length: 10 },
    () => new Passer(site, open(), { group: "h", topic: "a", into: PASSED_ON, atOnce: 500 }),
  );
  const apps = [...producing, ...followers, ...workers, ...passers];
  for (const app of apps) app.start();

  const tormenting = fleet.torment();
  await world.sleep(minutes * 60_000);
  for (const one of producing) one.finish();
  await fleet.calm();
  await tormenting;
  world.trace("all is well again");
  await waitFor(world, () => producing.every(({ isQuiet }) => isQuiet), HEALING_MS);
  for (const one of producing) {
    if (!one.isQuiet) ledger.violation(`${one.name} waits for an answer, though all is well`);
  }
  world.trace("answered");
  const isCaughtUp = () => caughtUp(api, groupsOf(workers), followers);
  await waitFor(world, isCaughtUp, HEALING_MS);
  if (!await isCaughtUp()) {
    ledger.violation(`not caught up, though all is well: ${await standing(url)}`);
  }
  for (const client of clients) client.close();
  await waitFor(world, () => apps.every(({ hasEnded }) => hasEnded), CLOSING_MS);
  world.trace("closed");
  for (const app of apps) if (!app.hasEnded) ledger.violation(`${app.name} hangs`);

  ledger.check(await readAll(url, api), PASSED_ON);
  for (const follower of followers) follower.check();
  for (const members of groupsOf(workers)) ledger.checkDealtWith(members, PARTITIONS);
  await fleet.stop();
  const counts = { ...ledger.counts, ...fleet.deeds };
  return { violations: ledger.violations, counts, recent: world.recent };
}

/** How the groups stand, in the gateway's words. */
async function standing(url: string): Promise<string> {
  const groups = ["g0", "g1", "h"].map(async (group) => {
    const response = await fetch(`${url}/v1/groups/${group}`);
    return await response.text();
  });
  return (await Promise.all(groups)).join("\n");
}

type Dealt = ReadonlyMap<string, ReadonlySet<number>>;

/** What the members of each of the two groups of workers have dealt with. */
function groupsOf(workers: readonly Worker[]): readonly (readonly Dealt[])[] {
  return [0, 1].map((group) => workers.filter((_, i) => i % 2 === group).map(({ dealt }) => dealt));
}

/**
 * Whether passers have committed all, followers have read all, and some worker of each group has dealt
 * with the last record of each partition.
 */
async function caughtUp(
  api: GatewayApi,
  groups: readonly (readonly Dealt[])[],
  followers: readonly Follower[],
): Promise<boolean> {
  try {
    if (await api.lag("h") !== 0) return false;
    for (const topic of TOPICS) {
      for (const [partition, { next }] of (await api.bounds(topic)).entries()) {
        const name = `${topic}/${partition}`;
        if (!followers.every((one) => one.hasAll(topic, partition, next))) return false;
        for (const members of groups) {
          const last = next - 1;
          if (last >= 0 && !members.some((dealt) => dealt.get(name)?.has(last))) return false;
        }
      }
    }
    return true;
  } catch {
    return false; // The connection was to a gateway that is no more.
  }
}

async function waitFor(
  world: Reality,
  holds: () => boolean | Promise<boolean>,
  ms: number,
): Promise<void> {
  const end = world.now + ms;
  // Whoever is asked may never answer.
  const late = () => world.sleep(LOOK_MS).then(() => false);
  while (!await Promise.race([holds(), late()]) && world.now < end) await world.sleep(200);
}

async function readAll(url: string, api: GatewayApi): Promise<Stored[]> {
  const client = connect(url);
  const found: Stored[] = [];
  for (const topic of [...TOPICS, PASSED_ON]) {
    for (let partition = 0; partition < PARTITIONS; partition++) {
      for await (const { offset, value } of readPartition(client, api, topic, partition)) {
        found.push({ topic, partition, offset, value });
      }
    }
  }
  await client.close();
  return found;
}

function print(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}

if (import.meta.main) {
  const { values } = parseArgs({
    args: Deno.args,
    options: {
      minutes: { type: "string", default: "10" },
      seed: { type: "string", default: "1" },
    },
  });
  const { violations, counts, recent } = await torture(Number(values.minutes), Number(values.seed));
  if (violations.length > 0) { for (const line of recent) print(`    ${line}`); }
  for (const violation of violations.slice(0, 20)) print(`  ${violation}`);
  print(Object.entries(counts).map(([name, count]) => `${count} ${name}`).join(", "));
  print(`torture: ${values.minutes} minutes, ${violations.length} violations`);
  Deno.exit(violations.length === 0 ? 0 : 1);
}
