/** The client in pages: what one publishes others read, and the tabs of a group share the work. */

import { assertEquals } from "@std/assert";
import { eventually } from "../support/eventually.ts";
import { Gateway } from "../support/gateway.ts";
import { describeGroup, fresh, json, makeTopic } from "../support/http.ts";
import { browserTest } from "./browser.ts";
import { ClientPage, type Seen } from "./client_page.ts";

const shared = Gateway.shared();
const open = (browser: Parameters<typeof ClientPage.open>[0]) =>
  ClientPage.open(browser, shared.gateway);

/** The whole numbers from `from` to before `to`. */
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
const sorted = (values: readonly unknown[]) => [...values].sort((a, b) => Number(a) - Number(b));
const valuesOf = (records: readonly Seen[]) => records.map(({ value }) => value);

browserTest("what one page publishes another reads", async (browser) => {
  const topic = await makeTopic(shared.gateway, 4);
  const reader = await open(browser);
  const writer = await open(browser);
  await reader.run(`
    const subscription = weir.subscribe("${topic}");
    read("all", subscription);
    await subscription.ready;
  `);
  const places = await writer.run<{ partition: number; offset: number }[]>(`
    const records = ["one", { two: 2 }, [3, null], "vier: \\u{1F695}"]
      .map((value) => ({ key: "cab-7", value }));
    return (await weir.publish("${topic}", records)).places;
  `);
  const values = ["one", { two: 2 }, [3, null], "vier: \u{1F695}"];
  assertEquals(
    await reader.records("all", 4),
    values.map((value, i) => ({ ...places[i]!, key: "cab-7", value })),
  );
});

browserTest("bytes and headers come as they were published", async (browser) => {
  const topic = await makeTopic(shared.gateway, 1);
  const page = await open(browser);
  const got = await page.run<unknown>(`
    const value = Uint8Array.from({ length: 256 }, (_, i) => i);
    await weir.publish("${topic}", { value, headers: { kind: "all bytes" }, timestamp: 17 });
    for await (const record of weir.subscribe("${topic}", { from: "earliest" })) {
      const { value, ...rest } = record;
      return { ...rest, type: value.constructor.name, value: [...value] };
    }
  `);
  assertEquals(got, {
    topic,
    partition: 0,
    offset: 0,
    timestamp: 17,
    headers: { kind: "all bytes" },
    type: "Uint8Array",
    value: range(0, 256),
  });
});

browserTest("a page that follows one key sees only it", async (browser) => {
  const topic = await makeTopic(shared.gateway, 4);
  const page = await open(browser);
  await page.run(`
    const subscription = weir.subscribe("${topic}", { keys: ["cab-7"] });
    read("mine", subscription);
    await subscription.ready;
    for (let i = 0; i < 60; i++) {
      await weir.publish("${topic}", { key: "cab-" + i % 12, value: i });
    }
  `);
  assertEquals(valuesOf(await page.records("mine", 5)), [7, 19, 31, 43, 55]);
});

/** How a tab ends, each with the `pagehide` that a page gets then. */
const ends: Readonly<Record<string, (page: ClientPage) => Promise<unknown>>> = {
  "is closed": async ({ tab }) => {
    const closed = tab.waitForEvent("close");
    await tab.close({ runBeforeUnload: true });
    await closed;
  },
  "goes to another page": ({ tab }) => tab.goto("about:blank"),
  "is loaded again": ({ tab }) => tab.reload(),
};

for (const [how, end] of Object.entries(ends)) {
  browserTest(`two tabs share a group's work, until one ${how}`, async (browser) => {
    const topic = await makeTopic(shared.gateway, 8);
    const group = fresh("group");
    const stays = await open(browser);
    const goes = await open(browser);
    for (const page of [stays, goes]) {
      await page.run(`
        globalThis.consumer = weir.consume("${topic}", { group: "${group}" });
        read("mine", consumer);
      `);
    }
    for (const page of [stays, goes]) await page.until("consumer.partitions.length === 4");
    const both = [...await partitions(stays), ...await partitions(goes)];
    assertEquals(sorted(both), range(0, 8));

    await publish(topic, range(0, 400));
    const first = await stays.records("mine", 200);
    const second = await goes.records("mine", 200);
    assertEquals(sorted(valuesOf([...first, ...second])), range(0, 400));

    await committed(group);

    await end(goes);
    // The session timeout is 45 s, and nobody waits as long as that here.
    await stays.until("consumer.partitions.length === 8");
    await publish(topic, range(400, 480));
    const later = (await stays.records("mine", 280)).slice(200);
    assertEquals(sorted(valuesOf(later)), range(400, 480));
  });
}

browserTest("a tab with another's instance takes its place, and keeps it", async (browser) => {
  await browser.context.clock.install();
  const topic = await makeTopic(shared.gateway, 4);
  const group = fresh("group");
  const older = await open(browser);
  const newer = await open(browser);
  const consume = `
    globalThis.lost = [];
    globalThis.consumer = weir.consume("${topic}", {
      group: "${group}",
      instance: "till-1",
      onRevoke: (partitions, why) => lost.push([partitions.length, why.lost]),
    });
    read("mine", consumer);
  `;
  await older.run(consume);
  await older.until("consumer.partitions.length === 4");
  await newer.run(consume);
  await newer.until("consumer.partitions.length === 4");
  await older.until(`ended.mine === "fenced"`);
  const { members, epoch } = await describeGroup(shared.gateway, group);

  // Whatever the older one might do in time it does now; the answer comes after what it then said.
  await browser.context.clock.runFor(10_000);
  await older.run(`await weir.publish("${topic}", { value: 0 })`);
  await publish(topic, range(1, 40));
  assertEquals(sorted(valuesOf(await newer.records("mine", 40))), range(0, 40));
  const now = await describeGroup(shared.gateway, group);
  assertEquals([now.members, now.epoch], [members, epoch]);
  const what = "[ended.mine ?? null, seen.mine.length, consumer.partitions.length, lost]";
  assertEquals(await older.get(what), ["fenced", 0, 0, [[4, true]]]);
  assertEquals(await newer.get(what), [null, 40, 4, []]);
  assertEquals(await older.get("states"), ["open: connected"]);
});

/** Waits until the group has committed all that its topics hold. */
async function committed(group: string): Promise<void> {
  await eventually("the group has committed everything", async () => {
    const { offsets } = await describeGroup(shared.gateway, group);
    return offsets.every(({ lag }) => lag === 0);
  });
}

async function partitions(page: ClientPage): Promise<number[]> {
  return await page.get("consumer.partitions.map(({ partition }) => partition)");
}

/** Stores the values from outside of the browser, over all eight partitions in turn. */
async function publish(topic: string, values: readonly number[]): Promise<void> {
  const { partitions } = await json<{ partitions: unknown[] }>(
    shared.gateway,
    "GET",
    `/v1/topics/${topic}`,
  );
  const records = values.map((value) => ({ value, partition: value % partitions.length }));
  await json(shared.gateway, "POST", `/v1/topics/${topic}/records`, { records });
}
