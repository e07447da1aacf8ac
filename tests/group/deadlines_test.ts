import { assertEquals } from "@std/assert";
import { PEERS, TICK_MS } from "../../src/limits.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import { type Entry, type Key, type Range, unreadable } from "../../src/store/store.ts";
import { testHost } from "../support/test_host.ts";
import { type Gateway, gateway, join, passing, reload, twoGateways } from "./group_gateway.ts";

/** It cannot be read from some moment on. */
class UnreadableStore extends MemoryStore {
  isDown = false;

  override async read(keys: readonly Key[]): Promise<Entry[]> {
    if (this.isDown) throw unreadable("it is down");
    return await super.read(keys);
  }

  override async scan(range: Range): Promise<Entry[]> {
    if (this.isDown) throw unreadable("it is down");
    return await super.scan(range);
  }
}

/** Time passes, and deadlines are looked at. */
async function ticking({ host, groups }: Gateway, ms: number): Promise<void> {
  const until = host.clock.monotonic() + ms;
  while (host.clock.monotonic() < until) {
    await host.clock.advance(50);
    groups.tick(host.clock.monotonic());
  }
}

Deno.test("who was waited for long enough while the store was away is not waited for once more", async () => {
  const store = new UnreadableStore({ shared: true });
  const at = gateway(store, testHost(), "one");
  const x = await join(at, { instance: "i", sessionTimeoutMs: 3_600_000 });
  const y = await join(at);
  x.membership?.disconnected();
  await passing(at, at.groups.idle());
  await at.host.clock.advance(3_599_000);
  store.isDown = true;
  await ticking(at, 8_000);
  store.isDown = false;
  assertEquals(y.owned.size, 2);
  await ticking(at, 5_000);
  assertEquals(y.owned.size, 4);
});

Deno.test("the deadline of a revoke begins when the member is told, whoever has asked for it before", async () => {
  const store = new MemoryStore({ shared: true });
  const host = testHost();
  const [one, two] = twoGateways(store, host);
  const x = await join(one, { revokeTimeoutMs: 500 });
  x.releases = false;
  const y = await passing(two, join(two));
  await ticking(two, 1_000);
  assertEquals([x.told, y.told], [["assign 4"], ["assign 0"]]);
  await reload(one);
  await ticking(one, 450);
  assertEquals(x.told, ["assign 4", "revoke 2"]);
  await ticking(one, 50);
  await passing(one, one.groups.idle());
  await reload(two);
  assertEquals([x.told.at(-1), y.owned.size], ["lost 2", 2]);
});

Deno.test("what an instance of a dead gateway was to give up is free when its time to do so is over", async () => {
  const store = new MemoryStore({ shared: true });
  const host = testHost();
  let isAlive = true;
  const one = gateway(store, host, "one");
  const two = gateway(store, host, "two", { isAlive: (other) => isAlive || other === "two" });
  const x = await join(one, { instance: "i", sessionTimeoutMs: 60_000, revokeTimeoutMs: 500 });
  x.releases = false;
  const y = await passing(two, join(two));
  isAlive = false;
  two.groups.gatewayDied("one");
  await passing(two, two.groups.idle());
  await ticking(two, 450);
  assertEquals(y.owned.size, 0);
  await ticking(two, 50);
  await passing(two, two.groups.idle());
  assertEquals(y.owned.size, 2);
});

Deno.test("a member that another gateway took for gone, and told nobody, hears of it all the same", async () => {
  const store = new MemoryStore({ shared: true });
  const host = testHost();
  // Each takes the other for dead, and what one changes is never announced.
  const [one, two] = [gateway(store, host, "one"), gateway(store, host, "two")];
  await one.log.topics.ensure("t");
  const alone = await passing(one, join(one));
  assertEquals(alone.owned.size, 4);
  const taker = await passing(two, join(two));
  assertEquals(taker.owned.size, 4);
  for (let ms = 0; ms <= PEERS.groupsMs; ms += TICK_MS) {
    one.groups.tick(host.clock.monotonic());
    await host.clock.advance(TICK_MS);
  }
  assertEquals([alone.owned.size, alone.told.at(-1)], [0, "end fenced rejoin"]);
});
