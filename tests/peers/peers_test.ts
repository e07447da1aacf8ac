import { assertEquals } from "@std/assert";
import { type Changed, encodeNews, type News, NewsBoard } from "../../src/peers/news.ts";
import { Peers } from "../../src/peers/peers.ts";
import { PEERS } from "../../src/limits.ts";
import { keys } from "../../src/store/keys.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import { unreadable } from "../../src/store/store.ts";
import { testHost } from "../support/test_host.ts";

/** Another gateway that tells its news, and what is heard of them here. */
function fixture() {
  const store = new MemoryStore({ shared: true });
  const host = testHost();
  const board = new NewsBoard();
  const heard: { groups: string[]; topics: string[]; missed: boolean }[] = [];
  const failures: Error[] = [];
  const names = (changed: readonly Changed[]) => changed.map(({ name }) => name);
  const peers = new Peers(store, host, {
    self: "here",
    leaseMs: 10_000,
    listener: {
      heard: ({ groups, topics }, missed) => {
        heard.push({ groups: names(groups), topics: names(topics), missed });
        const failure = failures.shift();
        return failure ? Promise.reject(failure) : Promise.resolve();
      },
      died() {},
      missed() {},
      slept() {},
    },
  });
  const key = keys.news("there");
  let version: string | null = null;
  const set = async (value: Uint8Array) => {
    const mutations = [{ type: "set", key, value }] as const;
    await store.write({ checks: [{ key, version }], mutations });
    version = (await store.read([key]))[0]?.version ?? null;
    peers.tick(host.clock.monotonic());
    await host.clock.advance(PEERS.lookMs);
    return heard.splice(0);
  };
  return { board, failures, set, tell: (news: News = board.next()) => set(encodeNews(news)) };
}

Deno.test("a group or a topic that has changed is heard of once, however often news name it", async () => {
  const { board, tell } = fixture();
  board.group("crew");
  board.topic("gps");
  assertEquals(await tell(), [{ groups: ["crew"], topics: ["gps"], missed: false }]);
  board.group("drivers");
  assertEquals(await tell(), [{ groups: ["drivers"], topics: [], missed: false }]);
  board.next(); // nobody has heard these, nor the next
  board.topic("gps");
  board.next();
  board.group("crew");
  assertEquals(await tell(), [{ groups: ["crew"], topics: ["gps"], missed: false }]);
});

Deno.test("something was missed only where more has changed since than news name", async () => {
  const { board, tell } = fixture();
  for (let i = 0; i <= PEERS.newsItems; i++) board.group(`group-${i}`);
  assertEquals((await tell()).map(({ missed }) => missed), [true]);
  board.group("crew");
  assertEquals(await tell(), [{ groups: ["crew"], topics: [], missed: false }]);
  for (let i = 0; i <= PEERS.newsItems; i++) board.group(`group-${i}`);
  board.next();
  for (let i = 0; i <= PEERS.newsItems; i++) board.group(`group-${i}`);
  board.group("crew");
  assertEquals((await tell()).map(({ missed }) => missed), [true]);
});

Deno.test("what could not be followed up is heard again with the next news", async () => {
  const { board, tell, failures } = fixture();
  await tell();
  board.topic("gps");
  failures.push(unreadable("the topic cannot be read"));
  assertEquals(await tell(), [{ groups: [], topics: ["gps"], missed: false }]);
  assertEquals(await tell(), [{ groups: [], topics: ["gps"], missed: false }]);
  assertEquals(await tell(), [{ groups: [], topics: [], missed: false }]);
});

Deno.test("all that the news of an older gateway name is heard of with each of them", async () => {
  const { set } = fixture();
  const older = (counter: number) =>
    new TextEncoder().encode(
      JSON.stringify({ counter, since: 0, stripes: [], groups: ["crew"], topics: ["gps"] }),
    );
  const all = [{ groups: ["crew"], topics: ["gps"], missed: false }];
  assertEquals(await set(older(1)), all);
  assertEquals(await set(older(2)), all);
});
