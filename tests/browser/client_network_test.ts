/**
 * The client in pages that lose their gateway, their network, or their consciousness, and get it back:
 * nothing is missed or doubled, and `onState` says what happened.
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { eventually } from "../support/eventually.ts";
import { Gateway } from "../support/gateway.ts";
import { describeGroup, fresh, json, makeTopic } from "../support/http.ts";
import { browserTest } from "./browser.ts";
import { ClientPage } from "./client_page.ts";

type AnyPage = Pick<ClientPage, "run" | "records">;

const shared = Gateway.shared();

const refused = /net::ERR_CONNECTION_(REFUSED|RESET)/;
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

/** Stores the values from outside of the browser, in the topic's first partition. */
async function publish(gateway: Gateway, topic: string, values: readonly number[]): Promise<void> {
  const records = values.map((value) => ({ value, partition: 0 }));
  await json(gateway, "POST", `/v1/topics/${topic}/records`, { records });
}

/** The page reads the topic from now on, as `seen.all`. */
async function follow(page: AnyPage, topic: string): Promise<void> {
  await page.run(`
    const subscription = weir.subscribe("${topic}");
    read("all", subscription);
    await subscription.ready;
  `);
}

async function assertSaw(page: AnyPage, name: string, values: unknown[]): Promise<void> {
  const seen = await page.records(name, values.length);
  assertEquals(seen.map(({ value }) => value), values);
  assertEquals(seen.map(({ offset }) => offset), range(0, values.length));
}

browserTest("a page goes on when its gateway was killed and started again", async (browser) => {
  browser.allow(refused);
  const folder = await Deno.makeTempDir({ prefix: "weir-" });
  const WEIR_STORE = `${folder}/weir.kv`;
  try {
    await using first = await Gateway.start({ WEIR_STORE });
    const topic = await makeTopic(first, 1);
    const page = await ClientPage.open(browser, first);
    await follow(page, topic);
    await page.run(`
      globalThis.producer = weir.producer({ lingerMs: 0 });
      send(producer, "${topic}", "cab-7", [...Array(200).keys()]);
    `);
    await page.until("answers.length > 0");
    await first.stop("SIGKILL");
    await page.until(`weir.state.status === "waiting"`);
    await page.run(
      `send(producer, "${topic}", "cab-7", [...Array(100).keys()].map((i) => 200 + i))`,
    );

    await using _second = await Gateway.start({ WEIR_STORE, PORT: String(first.port) });
    await page.run("await producer.flush()");
    assertEquals(await page.get("answers"), range(0, 300));
    await assertSaw(page, "all", range(0, 300));
    const states = await page.get<string[]>("states");
    assertEquals([states[0], states.at(-1)], ["open: connected", "open: connected"]);
    assertMatch(states[1]!, /^waiting: .*\b1006\b/);
    assert(states.includes("connecting: connecting again"), states.join("\n"));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

browserTest("a page without network waits, and goes on when it is back", async (browser) => {
  const topic = await makeTopic(shared.gateway, 1);
  const page = await ClientPage.open(browser, shared.gateway);
  await follow(page, topic);
  await page.run(`
    globalThis.producer = weir.producer();
    await producer.publish("${topic}", { key: "cab-7", value: 0 });
  `);
  await page.records("all", 1);
  await browser.setOffline(true);
  // This goes into a socket that is open and dead: nobody has noticed yet.
  await page.run(`send(producer, "${topic}", "cab-7", [1, 2, 3])`);
  await page.until(`weir.state.status === "waiting"`);
  await page.run(`
    send(producer, "${topic}", "cab-7", [4, 5, 6]);
    await producer.ready;
    globalThis.plain = weir.publish("${topic}", { value: 7 });
  `);
  assertEquals(await page.get("[answers, seen.all.length]"), [[], 1]);
  await publish(shared.gateway, topic, [100]);

  await browser.setOffline(false);
  await page.until(`weir.state.status === "open"`, 3_000);
  await page.run("await producer.flush(); await plain");
  assertEquals(await page.get("answers"), [1, 2, 3, 4, 5, 6]);
  const seen = (await page.records("all", 9)).map(({ value }) => value as number);
  assertEquals(seen.filter((value) => value < 7), range(0, 7));
  assertEquals(seen.filter((value) => value >= 7).sort(), [100, 7]);
  assertEquals(await page.get("events"), ["offline", "online"]);

  const states = await page.get<string[]>("states");
  assertEquals(states.slice(0, 2), [
    "open: connected",
    "waiting: the gateway does not answer (1006)",
  ]);
  assertEquals(states.slice(-2), ["connecting: awake again", "open: connected"]);
});

browserTest("a page whose network is away for a moment keeps its connection", async (browser) => {
  const topic = await makeTopic(shared.gateway, 1);
  const page = await ClientPage.open(browser, shared.gateway);
  await follow(page, topic);
  await browser.setOffline(true);
  await page.run(`globalThis.stored = weir.publish("${topic}", { value: 0 })`);
  await publish(shared.gateway, topic, [1]);
  await browser.setOffline(false);
  await page.run("await stored");
  const seen = (await page.records("all", 2)).map(({ value }) => value);
  assertEquals(seen.sort(), [0, 1]);
  assertEquals(await page.get("[events, states]"), [
    ["offline", "online"],
    ["open: connected"],
  ]);
});

browserTest("a page that was frozen goes on where it was", async (browser) => {
  const topic = await makeTopic(shared.gateway, 1);
  const page = await ClientPage.openHidden(browser, shared.gateway);
  await follow(page, topic);
  await publish(shared.gateway, topic, [0]);
  await page.records("all", 1);
  await page.tab.freeze();
  await page.until(`events.at(-1) === "freeze"`);
  await publish(shared.gateway, topic, range(1, 100));
  assertEquals(await page.get("seen.all.length"), 1);
  await page.tab.wake();
  await assertSaw(page, "all", range(0, 100));
  assertEquals(await page.get("events"), ["freeze", "resume"]);
  await page.until(`weir.state.status === "open"`);
  assertEquals(page.tab.problems, []);
});

browserTest("a page that was frozen for too long comes back", async (browser) => {
  await using gateway = await Gateway.start({ WEIR_SESSION_TIMEOUT_MS: "1000" });
  const topic = await makeTopic(gateway, 1);
  const group = fresh("group");
  const page = await ClientPage.openHidden(browser, gateway);
  await follow(page, topic);
  await page.run(`read("mine", weir.consume("${topic}", { group: "${group}" }))`);
  await publish(gateway, topic, [0]);
  await page.records("all", 1);
  await page.records("mine", 1);
  await eventually("the group has committed the record", async () => {
    return (await describeGroup(gateway, group)).offsets[0]?.lag === 0;
  });
  await page.tab.freeze();
  // Chromium closes its socket; the group waits for it, and then does not wait any longer.
  await eventually("the member is gone", async () => {
    return (await describeGroup(gateway, group)).members.length === 0;
  });
  await publish(gateway, topic, range(1, 100));
  assertEquals(await page.get("[seen.all.length, seen.mine.length]"), [1, 1]);
  await page.tab.wake();
  await assertSaw(page, "all", range(0, 100));
  await assertSaw(page, "mine", range(0, 100));
  const states = await page.get<string[]>("states");
  assertMatch(states[1]!, /^waiting: .*\b(1006|4000)\b/);
  assertEquals(states.at(-1), "open: connected");
  assertEquals(page.tab.problems, []);
});
