import { assertEquals, assertRejects } from "@std/assert";
import { AssertionFailed } from "../../src/assert.ts";
import { keys } from "../../src/store/keys.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import { settled, testHost } from "../support/test_host.ts";
import {
  append,
  commit,
  fixture,
  gateway,
  join,
  LateStore,
  outcome,
  passing,
  reload,
  twoGateways,
} from "./group_gateway.ts";

Deno.test("an answer to a commit of before its partition was lost and given back moves nothing down", async () => {
  const store = new LateStore({ shared: true });
  const host = testHost();
  const [one, two] = twoGateways(store, host);
  await append(one, 3, 100);
  const at = (offset: number) => [{ topic: "t", partition: 3, offset }];
  const x = await join(one, { revokeTimeoutMs: 500 });
  x.releases = false;
  const { promise: late, resolve: letGo } = Promise.withResolvers<void>();
  store.late = late;
  const first = commit(x, at(50));
  await settled();
  const y = await passing(two, join(two));
  await reload(one);
  await host.clock.advance(500);
  one.groups.tick(host.clock.monotonic());
  await passing(one, one.groups.idle());
  await reload(two);
  assertEquals([y.owned.get("t/3"), outcome(await commit(y, at(80)))], [50, [80]]);
  await passing(two, y.membership?.leave() ?? Promise.resolve());
  await reload(one);
  assertEquals(x.owned.get("t/3"), 80);
  letGo();
  await first;
  assertEquals(outcome(await commit(x, at(60))), [80]);
});

Deno.test("whoever gets a partition is told of the metadata that is kept there, and may clear it", async () => {
  const at = fixture();
  await append(at, 0, 10);
  const to = (offset: number) => ({ topic: "t", partition: 0, offset });
  const x = await join(at);
  await commit(x, [{ ...to(5), metadata: "m" }]);
  x.membership?.disconnected();
  const y = await join(at);
  assertEquals(await commit(y, [to(3)]), { ok: true, offsets: [{ ...to(5), metadata: "m" }] });
  assertEquals(await commit(y, [to(5)]), { ok: true, offsets: [to(5)] });
  const { offsets } = await at.groups.describe("g");
  assertEquals(offsets.find(({ partition }) => partition === 0), { ...to(5), end: 10, lag: 5 });
});

Deno.test("a commit that changes nothing is refused, too, to whoever has lost the partition elsewhere", async () => {
  const store = new MemoryStore({ shared: true });
  const host = testHost();
  const [one, two] = twoGateways(store, host);
  await append(one, 0, 100);
  const to = (offset: number) => [{ topic: "t", partition: 0, offset }];
  const x = await join(one, { instance: "i" });
  assertEquals(outcome(await commit(x, to(10))), [10]);
  assertEquals(outcome(await commit(x, to(10))), [10]);
  const y = await passing(two, join(two, { instance: "i" }));
  assertEquals(outcome(await commit(y, to(50))), [50]);
  assertEquals(outcome(await passing(one, commit(x, to(10)))), "fenced");
  assertEquals(outcome(await passing(one, commit(x, []))), "fenced");
});

Deno.test("a commit that is stored is known to be, beside one that changes nothing", async () => {
  const store = new LateStore({ shared: true });
  const host = testHost();
  const [one, two] = twoGateways(store, host);
  await append(one, 0, 100);
  const at = (offset: number) => [{ topic: "t", partition: 0, offset }];
  const x = await passing(one, join(one, { instance: "x", group: "g" }));
  const z = await passing(one, join(one, { instance: "z", group: "h" }));
  await passing(one, commit(x, at(10)));
  const { promise: late, resolve: letGo } = Promise.withResolvers<"lost">();
  store.late = late;
  const same = commit(x, at(10));
  const stored = commit(z, at(20));
  await settled();
  // Both fences are changed before anybody looks at what became of the write.
  await passing(two, join(two, { instance: "x", group: "g" }));
  const next = await passing(two, join(two, { instance: "z", group: "h" }));
  letGo("lost");
  await passing(one, same);
  assertEquals([outcome(await passing(one, stored)), next.owned.get("t/0")], [[20], 20]);
});

Deno.test("a member may commit up to where the log ended when it was given, though others appended that", async () => {
  const [store, host] = [new MemoryStore({ shared: true }), testHost()];
  const [one, two] = twoGateways(store, host);
  await append(one, 0, 1);
  await append(two, 0, 50);
  const x = await passing(one, join(one));
  const at = (offset: number) => [{ topic: "t", partition: 0, offset }];
  assertEquals(outcome(await passing(one, commit(x, at(51)))), [51]);
  assertEquals(outcome(await passing(one, commit(x, at(52)))), "offset_out_of_range");
});

Deno.test("who has gone before its commit is refused costs nobody who joins the membership", async () => {
  const store = new LateStore({ shared: true });
  const at = gateway(store, testHost(), "one");
  await append(at, 0, 10);
  const gone = await join(at);
  const { promise: held, resolve: letGo } = Promise.withResolvers<void>();
  store.held = held;
  const committed = commit(gone, [{ topic: "t", partition: 0, offset: 5 }]);
  await settled();
  gone.membership?.disconnected();
  await passing(at, at.groups.idle());
  at.groups.tick(at.host.clock.monotonic()); // nobody is in the group any more
  const port = await join(at);
  letGo();
  assertEquals(outcome(await passing(at, committed)), "fenced");
  await at.host.clock.advance(100);
  assertEquals(port.told, ["assign 4"]);
  assertEquals((await passing(at, at.groups.describe("g"))).members.length, 1);
});

Deno.test("a committed offset that is damaged in the store is an error of its group, never offset 0", async () => {
  const at = fixture();
  await append(at, 0, 10);
  const x = await join(at);
  await commit(x, [{ topic: "t", partition: 0, offset: 5 }]);
  x.membership?.disconnected();
  await settled();
  const { id } = await at.log.topics.ensure("t");
  const key = keys.offset("g", id, 0);
  for (const length of [16, 3, 0]) {
    const [entry] = await at.store.read([key]);
    const value = entry!.value!.slice(0, length);
    await at.store.write({ checks: [entry!], mutations: [{ type: "set", key, value }] });
    const restarted = gateway(at.store, at.host, "one");
    await assertRejects(() => join(restarted), AssertionFailed);
    await assertRejects(() => restarted.groups.describe("g"), AssertionFailed);
    assertEquals((await join(restarted, { group: "other" })).owned.get("t/0"), 0);
  }
});
