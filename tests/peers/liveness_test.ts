/**
 * How soon the others notice that a gateway has died or left, and how soon one notices itself that
 * it is out of touch: in virtual time, with watches and without.
 */

import { assert, assertEquals } from "@std/assert";
import { PEERS, TICK_MS } from "../../src/limits.ts";
import { SETTINGS } from "../sim/gateway_site.ts";
import { type Failing, Gateways, type Site } from "./gateways.ts";

const PARTITIONS = 6;
const LEASES_MS = [500, 2_000, 10_000];
/** Much longer than it may take until the store is tried again. */
const LONG_LEASES_MS = [10_000];
/** By how much a wall clock jumps. */
const JUMPS_MS = [3_600_000, -4_200_000];
/** Parts of the time between two renewals at which something happens to a gateway. */
const PHASES = [0, 0.3, 0.6, 0.9];

interface Given {
  readonly leaseMs: number;
  readonly deaf: boolean;
  /** For messages. */
  readonly what: string;
}

/**
 * Runs with every lease, and at several times between two renewals: with three gateways that hear
 * of each other at once, and with two that hear nothing and only look.
 */
async function everyTime(
  run: (all: Gateways, given: Given) => Promise<void>,
  leasesMs = LEASES_MS,
): Promise<void> {
  for (const [gateways, deaf] of [[3, false], [2, true]] as const) {
    for (const leaseMs of leasesMs) {
      for (const phase of PHASES) {
        const all = await Gateways.start({ gateways, partitions: PARTITIONS, leaseMs, deaf });
        await all.pass(phase * leaseMs / 4);
        const what = `with a lease of ${leaseMs} ms${deaf ? " and no watches" : ""} at ${phase}`;
        await run(all, { leaseMs, deaf, what });
      }
    }
  }
}

function owned(sites: readonly Site[]): number {
  return sites.reduce((sum, { member }) => sum + member.owned.size, 0);
}

/** The first one, to which it happens, and the others. */
function parted({ sites }: Gateways): readonly [Site, readonly Site[]] {
  const [first, ...others] = sites;
  assert(first);
  return [first, others];
}

Deno.test("the partitions of a gateway that died are owned elsewhere in 1.5 leases and a second", () =>
  everyTime(async (all, { leaseMs, what }) => {
    const [dying, others] = parted(all);
    dying.kill();
    const ms = await all.until(() => owned(others) === PARTITIONS);
    assert(ms <= 1.5 * leaseMs + 1_000, `${ms} ms ${what}`);
    assert(ms >= 0.75 * leaseMs - TICK_MS, `${ms} ms ${what}: it may have been alive`);
  }));

Deno.test("those of an instance wait for it as long as its session timeout, and no longer", async () => {
  const [leaseMs, instancesMs] = [10_000, 20_000];
  const all = await Gateways.start({ gateways: 2, partitions: PARTITIONS, leaseMs, instancesMs });
  const [dying, others] = parted(all);
  dying.kill();
  const ms = await all.until(() => owned(others) === PARTITIONS);
  assert(ms >= 0.75 * leaseMs + instancesMs, `${ms} ms`);
  assert(ms <= 1.5 * leaseMs + 1_000 + instancesMs, `${ms} ms`);
});

Deno.test("the partitions of a gateway that is drained are owned elsewhere at once", () =>
  everyTime(async (all, given) => {
    const [leaving, others] = parted(all);
    leaving.gateway.drain();
    const ms = await all.until(() => owned(others) === PARTITIONS);
    const soonMs = given.deaf ? PEERS.groupsMs : 0; // without watches they look themselves
    assert(ms <= soonMs + TICK_MS, `${ms} ms ${given.what}`);
  }));

Deno.test("those that nobody releases there are owned elsewhere at once when it has ended", () =>
  everyTime(async (all, given) => {
    const [leaving, others] = parted(all);
    leaving.member.releases = false;
    const begun = all.now;
    await all.done(async () => {
      await leaving.gateway.drain();
      await leaving.gateway.close();
    });
    leaving.kill();
    const drainedMs = all.now - begun;
    assert(drainedMs <= SETTINGS.drainMs + 2 * TICK_MS, `drained in ${drainedMs} ms ${given.what}`);
    const ms = await all.until(() => owned(others) === PARTITIONS);
    const soonMs = given.deaf ? PEERS.lookMs : 0;
    assert(ms <= soonMs + TICK_MS, `${ms} ms ${given.what}`);
  }));

const CUTS: Readonly<Record<Exclude<Failing, "dead">, string>> = {
  refused: "is refused by the store",
  silent: "hears nothing from the store, which hears nothing from it,",
  unheard: "hears nothing from the store, which hears it,",
};

for (const [failing, name] of Object.entries(CUTS)) {
  Deno.test(`who ${name} gives up its members in a lease, before others have theirs, and ends in two`, () =>
    everyTime(async (all, { leaseMs, what }) => {
      const [cut, others] = parted(all);
      const theirs = owned(others);
      cut.cut(failing as Failing);
      const begun = all.now;
      const givenUpMs = await all.until(() => cut.member.told.length > 0 || owned(others) > theirs);
      assertEquals(cut.member.told, ["end unavailable rejoin"], what);
      assert(givenUpMs <= leaseMs + TICK_MS, `given up in ${givenUpMs} ms ${what}`);
      await all.until(() => owned(others) === PARTITIONS);
      const ownedMs = all.now - begun;
      assert(ownedMs <= 1.5 * leaseMs + 1_000, `owned elsewhere in ${ownedMs} ms ${what}`);
      await all.until(() => cut.isDead);
      const lostMs = cut.lostAt - begun;
      assert(lostMs <= 2 * leaseMs + TICK_MS, `ended in ${lostMs} ms ${what}`);
      assert(lostMs >= 1.75 * leaseMs - TICK_MS, `ended in ${lostMs} ms ${what}: too soon`);
    }));
}

Deno.test("one that reaches the store again within a lease has lost nothing", () =>
  everyTime(async (all, { leaseMs, what }) => {
    const [cut] = parted(all);
    cut.cut("refused");
    await all.pass(0.5 * leaseMs);
    cut.cut(undefined);
    await all.pass(3 * leaseMs);
    assertEquals([cut.lostAt, all.isEven], [Infinity, true], what);
    assertEquals(all.sites.flatMap(({ member }) => member.told), [], what);
  }, LONG_LEASES_MS));

Deno.test("one that reaches the store again within two leases goes on, and its member may join again", () =>
  everyTime(async (all, { leaseMs, what }) => {
    const [cut, others] = parted(all);
    cut.cut("refused");
    await all.pass(1.5 * leaseMs);
    cut.cut(undefined);
    await all.until(() => owned(others) === PARTITIONS);
    await all.done(() => all.join(cut));
    await all.until(() => all.isEven);
    await all.pass(3 * leaseMs);
    assertEquals([cut.lostAt, all.isEven], [Infinity, true], what);
    cut.member.told.length = 0;
    cut.cut("refused");
    const ms = await all.until(() => cut.member.told.length > 0);
    assert(ms <= leaseMs + TICK_MS, `given up again in ${ms} ms ${what}`);
  }, LONG_LEASES_MS));

Deno.test("wall clocks that jump take nothing from who lives, and hide nobody's death", () =>
  everyTime(async (all, { leaseMs, what }) => {
    for (const { clock } of all.sites) {
      for (const jumpMs of JUMPS_MS) {
        clock.errorMs += jumpMs;
        await all.pass(leaseMs);
      }
    }
    assertEquals(all.sites.flatMap(({ member }) => member.told), [], what);
    const [dying, others] = parted(all);
    dying.kill();
    for (const { clock } of others) clock.errorMs -= 600_000;
    const ms = await all.until(() => owned(others) === PARTITIONS);
    assert(ms <= 1.5 * leaseMs + 1_000, `${ms} ms ${what}`);
  }));

Deno.test("one on a store that nobody shares keeps its members, and does not end", async () => {
  const leaseMs = 2_000;
  const choice = { gateways: 1, partitions: PARTITIONS, leaseMs, shared: false };
  const all = await Gateways.start(choice);
  const [alone] = parted(all);
  alone.cut("refused");
  await all.pass(10 * leaseMs);
  assertEquals([alone.lostAt, alone.member.told], [Infinity, []]);
  alone.cut(undefined);
  await all.pass(leaseMs);
  assertEquals([alone.lostAt, owned([alone])], [Infinity, PARTITIONS]);
});
