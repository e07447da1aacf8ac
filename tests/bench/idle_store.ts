/**
 * The operations of idle gateways on a shared store, per second, counted in the simulated world, so
 * that an hour takes no time and the result does not depend on the machine.
 */

import { MemoryStore } from "../../src/store/memory.ts";
import type { Store } from "../../src/store/store.ts";
import { SETTINGS } from "../sim/gateway_site.ts";
import { AWAKE, World } from "../sim/world.ts";
import { Gateway } from "../../src/gateway.ts";

const TICK_MS = 50;
const SETTLE_MS = 20_000;
const MEASURED_MS = 60_000;

/** Operations per second of all gateways together, by kind. */
export async function idleOperations(
  gateways: number,
  topics: number,
): Promise<Record<"reads" | "scans" | "writes", number>> {
  const world = new World(1);
  const host = world.host(AWAKE, () => {});
  const counts = { reads: 0, scans: 0, writes: 0 };
  const store = counting(new MemoryStore({ shared: true }), counts);
  const settings = { ...SETTINGS, leaseMs: 10_000 };
  const all = Array.from(
    { length: gateways },
    () => new Gateway({ store, host, settings, server: "weir" }),
  );
  const starting = Promise.all(all.map((gateway) => gateway.start()));
  const tick = () => {
    for (const gateway of all) gateway.tick();
    world.after(TICK_MS, tick);
  };
  tick();
  await world.run(world.now + 1_000);
  await starting;
  const making = (async () => {
    for (let t = 0; t < topics; t++) await all[0]?.broker.createTopic(`t${t}`, { partitions: 8 });
  })();
  await world.run(world.now + SETTLE_MS);
  await making;
  const before = { ...counts };
  await world.run(world.now + MEASURED_MS);
  const rate = (kind: keyof typeof counts) => (counts[kind] - before[kind]) / (MEASURED_MS / 1_000);
  return { reads: rate("reads"), scans: rate("scans"), writes: rate("writes") };
}

function counting(
  store: MemoryStore,
  counts: { reads: number; scans: number; writes: number },
): Store {
  return {
    shared: store.shared,
    read: (keys) => (counts.reads++, store.read(keys)),
    scan: (range) => (counts.scans++, store.scan(range)),
    write: (write) => (counts.writes++, store.write(write)),
    watch: (keys, changed) => store.watch(keys, changed),
    close: () => store.close(),
  };
}
