/**
 * The torture: `deno task torture --minutes 10 [--seed N] [--history FILE]`. Real gateways over a
 * real store are killed, paused, cut off and drained, and the store is killed now and then, while
 * applications publish, follow, consume and pass on through the client. Then everything heals, and
 * what the applications were told is compared with the log.
 */

import { parseArgs } from "node:util";
import { type Client, connect } from "../../src/client/mod.ts";
import { GatewayApi } from "../../src/demo/gateway_api.ts";
import { readPartition } from "../../src/demo/read_all.ts";
import { check } from "../checker/check.ts";
import type { Event } from "../checker/history.ts";
import { longestOwnerless } from "../checker/ownerless.ts";
import { Recorder, writeHistory } from "../checker/recorder.ts";
import { Follower, Passer, Producing, Worker } from "../sim/apps.ts";
import type { PartitionLog } from "../sim/gateway_site.ts";
import { countsOf, recordLog } from "../sim/outcome.ts";
import { checkPassedOn } from "../sim/passed_on.ts";
import type { Violation } from "../sim/site.ts";
import { type Deeds, Fleet, LEASE_MS, SESSION_TIMEOUT_MS } from "./fleet.ts";
import { observe } from "./observer.ts";
import { Reality } from "./reality.ts";
import { summary } from "./summary.ts";
import { print } from "../../src/demo/print.ts";

const GATEWAYS = 3;
const PARTITIONS = 3;
const TOPICS = ["a", "b"];
const PASSED_ON = "out";
/** How long it may take until everything has caught up: after a long run the backlog is long. */
const HEALING_MS = 300_000;
/**
 * The approximate number of records, whatever the length of the run: its history must fit in
 * memory.
 */
const RECORDS = 400_000;
const MOST_PER_MINUTE = 30_000;
const CLOSING_MS = 15_000;
const LOOK_MS = 5_000;

/** A client may hear late of what it has lost: it is slow on a busy machine. */
const SLOW_MS = 20_000;

export interface Ordeal {
  readonly violations: readonly Violation[];
  readonly history: readonly Event[];
  /** How often each thing happened to clients. */
  readonly counts: Readonly<Record<string, number>>;
  readonly deeds: Readonly<Deeds>;
  readonly recent: readonly string[];
}

/** Runs it for so long, plus the time to heal. */
export async function torture(minutes: number, seed: number): Promise<Ordeal> {
  const world = new Reality(seed);
  const recorder = new Recorder(() => world.now);
  const faults: Violation[] = [];
  const fault = (kind: string, text: string) => {
    world.trace(`${kind}: ${text}`);
    faults.push({ kind, text });
  };
  const overlapMs = 2 * LEASE_MS + SESSION_TIMEOUT_MS + SLOW_MS;
  // Workers also commit automatically, which is not recorded.
  recorder.terms({
    overlapMs,
    groups: ["g0", "g1", "h"],
    unrecorded: ["g0", "g1"],
    lagMs: HEALING_MS,
  });
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
  const openFor = (member: string) => {
    const client = open();
    client.onState(({ status }) =>
      recorder.told(member, { f: "connection", member, up: status === "open" })
    );
    return client;
  };
  const site = { world, recorder, partitions: PARTITIONS, fault };
  const producing = Array.from(
    { length: 12 },
    (_, i) =>
      new Producing(site, open(), {
        name: `p${i}`,
        topics: TOPICS,
        idempotent: i % 4 !== 3,
        slowness: Math.max(1, MOST_PER_MINUTE * minutes / RECORDS),
      }),
  );
  const followers = [...TOPICS, ...TOPICS].map((topic, i) =>
    new Follower(site, open(), `follower ${i}`, topic)
  );
  const workers = Array.from({ length: 14 }, (_, i) => {
    const name = `worker ${i}`;
    return new Worker(site, openFor(name), name, {
      group: `g${i % 2}`,
      topics: TOPICS,
      ...i % 4 < 2 ? {} : { instance: false },
    });
  });
  const passing = { group: "h", topic: "a", into: PASSED_ON, atOnce: 500 };
  const passers = Array.from({ length: 10 }, (_, i) => {
    const name = `passer ${i}`;
    return new Passer(site, openFor(name), name, passing);
  });
  const apps = [...producing, ...followers, ...workers, ...passers];
  for (const app of apps) app.start();

  const tormenting = fleet.torment();
  let isOver = false;
  const observing = observe({ world, recorder, api, topics: TOPICS }, () => isOver);
  await world.sleep(minutes * 60_000);
  for (const one of producing) one.finish();
  await fleet.calm();
  await tormenting;
  isOver = true;
  await observing;
  world.trace("all is well again");
  recorder.told("run", { f: "healed" });
  await waitFor(world, () => producing.every(({ isQuiet }) => isQuiet), HEALING_MS);
  world.trace("answered");
  let missing: string | undefined = "";
  await waitFor(
    world,
    async () => !(missing = await whatIsMissing(api, { workers, followers, passers })),
    HEALING_MS,
  );
  if (missing) fault("hangs", `though all is well, ${missing}: ${await standing(url)}`);
  for (const client of clients) client.close();
  await waitFor(world, () => apps.every(({ hasEnded }) => hasEnded), CLOSING_MS);
  world.trace("closed");
  for (const app of apps) if (!app.hasEnded) fault("hangs", app.name);

  const log = await readAll(url, api);
  recordLog(recorder, log);
  faults.push(...checkPassedOn(log, "a", PASSED_ON));
  await fleet.stop();
  const { events } = recorder;
  return {
    violations: [...faults, ...check(events)],
    history: events,
    counts: countsOf(events),
    deeds: fleet.deeds,
    recent: world.recent,
  };
}

/** The state of the groups, as the gateway reports it. */
async function standing(url: string): Promise<string> {
  const groups = ["g0", "g1", "h"].map(async (group) => {
    const response = await fetch(`${url}/v1/groups/${group}`);
    return await response.text();
  });
  return (await Promise.all(groups)).join("\n");
}

interface Readers {
  readonly workers: readonly Worker[];
  readonly followers: readonly Follower[];
  readonly passers: readonly Passer[];
}

/**
 * Who has not yet committed, read or processed everything, or heard who owns what; undefined if all
 * have.
 */
async function whatIsMissing(
  api: GatewayApi,
  { workers, followers, passers }: Readers,
): Promise<string | undefined> {
  const groups = [0, 1].map((group) => workers.filter((_, i) => i % 2 === group));
  try {
    const lag = await api.lag({ group: "h", topics: ["a"] });
    if (lag !== 0) return `passers are ${lag} behind`;
    for (const topic of TOPICS) {
      for (const [partition, { next }] of (await api.bounds(topic)).entries()) {
        const place = `${topic}/${partition}/${next}`;
        const slow = followers.find((one) => !one.hasAll(topic, partition, next));
        if (slow) return `${slow.name} has not come to ${place}`;
        const group = groups.findIndex((members) =>
          !members.some((one) => one.reached(topic, partition, next))
        );
        if (group >= 0) return `no worker of g${group} has come to ${place}`;
        for (const members of topic === "a" ? [...groups, passers] : groups) {
          const owners = members.filter((one) => one.owns(topic, partition));
          if (owners.length === 1) continue;
          const names = owners.map(({ name }) => name).join(" and ");
          return `${topic}/${partition} is owned by ${names || "nobody"}`;
        }
      }
    }
    return undefined;
  } catch (error) {
    return `nothing can be seen: ${error}`; // the connection was to a gateway that is gone
  }
}

async function waitFor(
  world: Reality,
  holds: () => boolean | Promise<boolean>,
  ms: number,
): Promise<void> {
  const end = world.now + ms;
  // The gateway that is asked may never answer.
  const late = () => world.sleep(LOOK_MS).then(() => false);
  while (!await Promise.race([holds(), late()]) && world.now < end) await world.sleep(200);
}

async function readAll(url: string, api: GatewayApi): Promise<PartitionLog[]> {
  const client = connect(url);
  const found: PartitionLog[] = [];
  for (const topic of [...TOPICS, PASSED_ON]) {
    const { incarnation, partitions } = await api.topic(topic);
    for (const [partition, { start, next }] of partitions.entries()) {
      const records: [number, string][] = [];
      for await (const { offset, value } of readPartition(client, api, topic, partition)) {
        records.push([offset, String(value)]);
      }
      found.push({ topic, incarnation, partition, start, next, records });
    }
  }
  await client.close();
  return found;
}

if (import.meta.main) {
  const { values } = parseArgs({
    args: Deno.args,
    options: {
      minutes: { type: "string", default: "10" },
      seed: { type: "string", default: "1" },
      history: { type: "string" },
    },
  });
  const ordeal = await torture(Number(values.minutes), Number(values.seed));
  const { violations, counts, deeds, recent, history } = ordeal;
  if (values.history !== undefined) await writeHistory(values.history, history);
  if (violations.length > 0) { for (const line of recent) print(`    ${line}`); }
  for (const { kind, text } of violations.slice(0, 20)) print(`  ${kind}: ${text}`);
  const { operations = 0, ...others } = counts;
  print(Object.entries(others).map(([name, count]) => `${count} ${name}`).join(", "));
  const ownerless = longestOwnerless(history);
  for (const line of summary({ operations, deeds, violations, ownerless })) print(line);
  print(`torture: ${values.minutes} minutes, ${violations.length} violations`);
  Deno.exit(violations.length === 0 ? 0 : 1);
}
