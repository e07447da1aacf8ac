import { assert, assertEquals, assertRejects } from "@std/assert";
import { GatewayError } from "../../src/errors.ts";
import { loadGroup, replaceGroup } from "../../src/group/group_store.ts";
import { newId } from "../../src/host/host.ts";
import { GROUP, LOG } from "../../src/limits.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import type { Entry, Key, Write, WriteResult } from "../../src/store/store.ts";
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

/** Does something before the first look at a topic's head. */
class HeadStore extends MemoryStore {
  beforeHead: (() => Promise<unknown>) | undefined;

  constructor() {
    super({ shared: true });
  }

  override async read(keys: readonly Key[]): Promise<Entry[]> {
    const { beforeHead } = this;
    if (beforeHead && keys.some(([kind]) => kind === "h")) {
      this.beforeHead = undefined;
      await beforeHead();
    }
    return await super.read(keys);
  }
}

Deno.test("members share the partitions, and one that is told to gives up its own", async () => {
  const at = fixture();
  const [x, y] = [await join(at), await join(at)];
  assertEquals([x.owned.size, y.owned.size], [2, 2]);
  assertEquals(x.told, ["assign 4", "revoke 2"]);
});

Deno.test("what is not released in time is lost, and goes on elsewhere", async () => {
  const at = fixture();
  const x = await join(at, { revokeTimeoutMs: 500 });
  x.releases = false;
  const y = await join(at);
  assertEquals(y.owned.size, 0);
  await at.host.clock.advance(500);
  at.groups.tick(at.host.clock.monotonic());
  await settled();
  assertEquals([x.owned.size, y.owned.size], [2, 2]);
  assertEquals(x.told.at(-1), "lost 2");
});

Deno.test("a commit is taken from the owner only, within the log, and never goes down", async () => {
  const at = fixture();
  await append(at, 0, 10);
  const x = await join(at);
  const offset = (offset: number, partition = 0) => [{ topic: "t", partition, offset }];
  assertEquals(outcome(await commit(x, offset(7))), [7]);
  assertEquals(outcome(await commit(x, offset(3))), [7]);
  assertEquals(outcome(await commit(x, offset(11))), "offset_out_of_range");
  assertEquals(outcome(await commit(x, offset(0, 99))), "not_owner");
  const both = await Promise.all([commit(x, offset(8)), commit(x, offset(10))]);
  assertEquals(both.map(outcome), [[10], [10]], "what waits is folded");
  x.membership?.disconnected();
  assertEquals(outcome(await commit(x, offset(10))), "fenced");
  const y = await join(at);
  assertEquals(y.owned.get("t/0"), 10);
});

/** Its disk is full from some moment on: it can be read, and no more. */
class FullStore extends MemoryStore {
  isFull = false;

  override async write(write: Write): Promise<WriteResult> {
    return this.isFull ? { outcome: "unknown", cause: "it is full" } : await super.write(write);
  }
}

Deno.test("while the store takes no writes a commit is answered in time, also one that waits behind", async () => {
  const store = new FullStore();
  const at = gateway(store, testHost(), "one");
  await append(at, 0, 10);
  const x = await join(at);
  store.isFull = true;
  const first = commit(x, [{ topic: "t", partition: 0, offset: 3 }]);
  await settled();
  const second = commit(x, [{ topic: "t", partition: 0, offset: 5 }]);
  await at.host.clock.advance(LOG.publishMs);
  at.groups.tick(at.host.clock.monotonic());
  assertEquals([outcome(await first), outcome(await second)], ["timeout", "unavailable"]);
});

Deno.test("where nothing is committed, the first position is, with the assignment", async () => {
  const at = fixture();
  await append(at, 0, 5);
  const x = await join(at, { from: "latest" });
  assertEquals(x.owned.get("t/0"), 5);
  x.membership?.disconnected();
  await append(at, 0, 5);
  const y = await join(at, { from: "latest" });
  assertEquals(y.owned.get("t/0"), 5, "nothing is skipped because the first one died");
});

Deno.test("the same instance fences the one before and takes up its partitions", async () => {
  const at = fixture();
  const x = await join(at, { instance: "i" });
  const y = await join(at, { instance: "i" });
  assertEquals(x.told.at(-1), "end fenced never");
  assertEquals(y.owned.size, 4);
  assertEquals(outcome(await commit(x, [{ topic: "t", partition: 0, offset: 0 }])), "fenced");
});

Deno.test("of two that join at once as the same instance the first is fenced", async () => {
  const at = fixture();
  const first = join(at, { instance: "i" });
  const second = join(at, { instance: "i" });
  const error = await assertRejects(() => first, GatewayError);
  assertEquals([error.code, error.retry], ["fenced", "never"]);
  assertEquals((await second).owned.size, 4);
});

Deno.test("after a restart offsets and instances are as they were, others are gone at once", async () => {
  const at = fixture();
  await append(at, 0, 5);
  const x = await join(at, { instance: "i" });
  await join(at);
  await commit(x, [{ topic: "t", partition: 0, offset: 4 }]);
  const next = gateway(at.store, at.host, "two");
  await next.groups.takeUp();
  const { members } = await next.groups.describe("g");
  assertEquals(members.map(({ instance }) => instance), ["i"]);
  const y = await join(next);
  assertEquals(y.owned.size, 0, "what the instance has waits for it");
  await next.host.clock.advance(1_000);
  next.groups.tick(next.host.clock.monotonic());
  await settled();
  assertEquals(y.owned.size, 4);
  assertEquals(y.owned.get("t/0"), 4);
});

Deno.test("a topic that was deleted while nobody was here is none of the group's any more", async () => {
  const at = fixture();
  await join(at, { topics: ["t", "u"], instance: "i" });
  const next = gateway(at.store, at.host, "two");
  await next.log.topics.remove("u");
  await next.groups.takeUp();
  const { members } = await next.groups.describe("g");
  assertEquals(members.map(({ topics }) => topics), [["t"]]);
  assertEquals(members[0]?.partitions.map(({ topic }) => topic), ["t", "t", "t", "t"]);
});

Deno.test("drained, a member without an instance gives up all, and nobody here gets it", async () => {
  const at = fixture();
  const x = await join(at);
  await at.groups.drain();
  await settled();
  assertEquals(x.owned.size, 0);
  assertEquals(at.groups.isReleasing, false);
});

Deno.test("an instance that is still joining as the gateway is drained gives up nothing", async () => {
  const store = new LateStore();
  const at = gateway(store, testHost(), "one");
  await at.log.topics.create("t", { partitions: 4 });
  const { promise: late, resolve: letGo } = Promise.withResolvers<void>();
  store.late = late;
  const joining = join(at, { instance: "i" });
  await settled();
  const drained = at.groups.drain();
  letGo();
  const x = await joining;
  await drained;
  assertEquals(x.told, ["assign 4"]);
});

Deno.test("a thousand members that join at once share a thousand partitions", async () => {
  const at = fixture();
  await at.log.topics.create("t", { partitions: 1_000 });
  const begun = performance.now();
  const ports = await passing(at, Promise.all(Array.from({ length: 1_000 }, () => join(at))));
  await passing(at, at.groups.idle());
  const ms = performance.now() - begun;
  assertEquals(ports.map(({ owned }) => owned.size), new Array(1_000).fill(1));
  Deno.stdout.writeSync(new TextEncoder().encode(`settled in ${Math.round(ms)} ms `));
});

Deno.test("after a restart a thousand members are gone at once, be the group's name ever so long", async () => {
  const at = fixture();
  const group = "g".repeat(200);
  await passing(at, Promise.all(Array.from({ length: 1_000 }, () => join(at, { group }))));
  const next = gateway(at.store, at.host, "two");
  await passing(next, next.groups.takeUp());
  assertEquals((await next.groups.describe(group)).members, []);
  const port = await join(next, { group });
  assertEquals(port.owned.size, 4);
});

Deno.test("a full group lets everybody out, and others in when there is room again", async () => {
  const at = fixture();
  const client = "c".repeat(200);
  const joins = Array.from({ length: 2_000 }, () => join(at, { client }));
  const results = await passing(at, Promise.allSettled(joins));
  const isIn = results.filter(({ status }) => status === "fulfilled").length;
  const codes = new Set(
    results.flatMap((one) => one.status === "rejected" ? [one.reason.code] : []),
  );
  assert(isIn > 1_000, `${isIn} are in`);
  assertEquals(codes, new Set(["overloaded"]));
  const late = () => passing(at, join(at, { client }));
  const oneByOne = async () => {
    for (let i = 0; i < 400; i++) await late(); // its last batch may have been refused as a whole
  };
  await assertRejects(oneByOne, GatewayError, "too many members");
  const leaving = results.map((one) => one.status === "fulfilled" && one.value.membership?.leave());
  await passing(at, Promise.all(leaving));
  await late();
});

Deno.test("who comes back makes a group no larger than a write takes, and leaves it", async () => {
  const [before, at] = twoGateways(new MemoryStore({ shared: true }), testHost());
  const topics = Array.from({ length: 20 }, (_, i) => `t${i}`);
  for (const topic of topics) await before.log.topics.ensure(topic);
  await join(before, { topics: ["t0"], instance: "i" });
  // Others have filled it by coming back with more than they had.
  const loaded = await loadGroup(at.store, "g");
  const [known] = loaded.state.members.values();
  assert(known);
  const members = new Map(loaded.state.members);
  const others = Math.floor(GROUP.returnedBytes / JSON.stringify(known).length) - 5;
  for (let i = 0; i < others; i++) {
    const id = newId(at.host);
    members.set(id, { ...known, id, connection: id, instance: "o" });
  }
  const state = { ...loaded.state, members };
  const { mutations, bytes } = replaceGroup("g", loaded, state, newId(at.host));
  assert(bytes > GROUP.returnedBytes - 2_000);
  await at.store.write({ checks: loaded.checks, mutations });
  const comeBack = (topics: string[]) => passing(at, join(at, { topics, instance: "i" }));
  await assertRejects(() => comeBack(topics), GatewayError, "too many members");
  const again = await comeBack(["t0"]);
  await passing(at, again.membership?.leave() ?? Promise.resolve());
  const { members: left } = await passing(at, at.groups.describe("g"));
  assertEquals(left.length, others);
});

Deno.test("the topic of a thousand members can be deleted, and all of them hear of it", async () => {
  const at = fixture();
  const ports = await passing(at, Promise.all(Array.from({ length: 1_200 }, () => join(at))));
  await at.log.topics.remove("t");
  await passing(at, at.groups.idle());
  const ends = new Set(ports.map(({ told }) => told.at(-1)));
  assertEquals(ends, new Set(["end unknown_topic never"]));
  const port = await passing(at, join(at, { topics: ["t"] }));
  assertEquals(port.owned.size, 4);
});

Deno.test("a topic that is deleted while a member looks at it is created again for the member", async () => {
  const store = new HeadStore();
  const [one, two] = twoGateways(store, testHost());
  await two.log.topics.create("t", { partitions: 4 });
  store.beforeHead = () => two.log.topics.remove("t");
  const port = await passing(one, join(one, { topics: ["t", "u"] }));
  assertEquals([port.owned.size, store.beforeHead], [8, undefined]);
});

Deno.test("who hears of a group before it hears that its topic was deleted is told that it was", async () => {
  const [one, two] = twoGateways(new MemoryStore({ shared: true }), testHost());
  const here = await join(one);
  const there = await join(two);
  await reload(one);
  await two.log.topics.remove("t");
  await passing(two, two.groups.idle());
  await reload(one);
  const ends = [here, there].map(({ told }) => told.at(-1));
  assertEquals(ends, ["end unknown_topic never", "end unknown_topic never"]);
});

Deno.test("in a shared store members of a gateway that is no more are not shown", async () => {
  const store = new MemoryStore({ shared: true });
  const host = testHost();
  const [one, two] = [gateway(store, host, "one"), gateway(store, host, "two")];
  await join(one);
  assertEquals((await two.groups.describe("g")).members, []);
});

Deno.test("in a shared store members of a gateway that is no more do not keep their group", async () => {
  const store = new MemoryStore({ shared: true });
  const host = testHost();
  const [one, two] = [gateway(store, host, "one"), gateway(store, host, "two")];
  await join(one);
  await two.groups.reset("g", { topics: ["t"], to: "latest" });
  await two.groups.remove("g");
  assertEquals(await two.groups.names(), []);
});

Deno.test("partitions are given out though the journal is held up, which may wait for the group", async () => {
  const at = gateway(new MemoryStore({ shared: true }), testHost(), "one");
  await append(at, 0, 3);
  const { promise: held, resolve: letGo } = Promise.withResolvers<void>();
  const chore = at.log.journal.between(() => held);
  const port = await join(at, { from: "latest" });
  assertEquals([...port.owned.values()], [3, 0, 0, 0]);
  letGo();
  await chore;
});

Deno.test("a partition that was given and asked for again between two looks is asked for", async () => {
  const store = new MemoryStore({ shared: true });
  const host = testHost();
  const [one, two] = twoGateways(store, host);
  const looks = async () => {
    one.groups.reload();
    await passing(one, one.groups.idle());
  };
  const x = await join(one);
  const y = await join(two);
  await looks();
  await passing(two, two.groups.idle());
  assertEquals([x.owned.size, x.told.at(-1)], [2, "revoke 2"]);
  // Of what is decided elsewhere from here on, "one" hears only in the end.
  await passing(two, y.membership?.leave() ?? Promise.resolve());
  await passing(two, join(two));
  await looks();
  assertEquals(x.told.slice(-2), ["assign 2", "revoke 2"]);
});

Deno.test("a commit that no write takes is refused, one that just fits is taken", async () => {
  const at = fixture();
  await at.log.topics.create("t", { partitions: 1_024 });
  const offsets = (count: number, metadata?: string) =>
    Array.from({ length: count }, (_, partition) => ({
      topic: "t",
      partition,
      offset: 0,
      ...(metadata === undefined ? {} : { metadata }),
    }));
  const short = await join(at);
  await passing(at, at.groups.idle());
  assertEquals(outcome(await commit(short, offsets(900, "m".repeat(200)))), new Array(900).fill(0));
  assertEquals(outcome(await commit(short, offsets(900, "m".repeat(500)))), "batch_too_large");
  const long = await join(at, { group: "g".repeat(200) });
  await passing(at, at.groups.idle());
  assertEquals(outcome(await commit(long, offsets(900))), "batch_too_large");
  assertEquals(outcome(await commit(long, offsets(200))), new Array(200).fill(0));
});
