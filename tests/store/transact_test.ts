import { assert, assertEquals, assertRejects } from "@std/assert";
import { GatewayError } from "../../src/errors.ts";
import type { Entry, Store, WriteResult } from "../../src/store/store.ts";
import { type Evidence, transact } from "../../src/store/transact.ts";
import { type TestHost, testHost } from "../support/test_host.ts";
import {
  ABSENT,
  ENTRY,
  evidenceOf,
  type Fate,
  FatedStore,
  HEAD,
  lost,
  overtake,
  set,
  storedUnheard,
  unreadableNow,
  writeOf,
} from "./fated_store.ts";

/** Adds one to the head. */
function increment(store: Store, host: TestHost, evidence?: Evidence): Promise<number> {
  return transact(store, host, {
    load: async () => {
      const [entry] = await store.read([HEAD]);
      const checks = [{ key: HEAD, version: entry?.version ?? null }];
      return { checks, value: entry?.value?.[0] ?? 0 };
    },
    decide: ({ value }) => ({
      mutations: [set(HEAD, value + 1)],
      ...(evidence ? { evidence } : {}),
      result: value + 1,
    }),
  });
}

/** The error that it ends with, once enough time has passed. */
async function failure(host: TestHost, result: Promise<unknown>): Promise<unknown> {
  const failing = result.then(() => "no error", (error) => error);
  await host.clock.advance(120_000);
  return await failing;
}

function codeOf(error: unknown): string {
  return error instanceof GatewayError ? error.code : String(error);
}

Deno.test("a decision to change nothing writes nothing", async () => {
  const store = new FatedStore();
  const load = async () => ({ checks: [ABSENT] });
  const decide = () => ({ mutations: [], result: "as it was" });
  assertEquals(await transact(store, testHost(), { load, decide }), "as it was");
  assertEquals(store.calls, []);
});

Deno.test("a refused decision is taken again on what is there now", async () => {
  const store = new FatedStore();
  const host = testHost();
  store.writeFates = [async (reach) => {
    await overtake(store);
    return await reach();
  }];
  const result = increment(store, host);
  await host.clock.advance(1_000);
  assertEquals(await result, 3);
  assertEquals(await store.value(HEAD), 3);
});

Deno.test("the version is told when the write is stored, also where its answer was lost", async () => {
  for (const fates of [[], [storedUnheard], [lost]]) {
    const store = new FatedStore();
    const host = testHost();
    store.writeFates = fates;
    const versions: string[] = [];
    const result = transact(store, host, {
      load: async () => ({ checks: [ABSENT] }),
      decide: () => ({
        mutations: writeOf(1).mutations,
        evidence: evidenceOf(1),
        stored: (version) => versions.push(version),
        result: "done",
      }),
    });
    await host.clock.advance(1_000);
    assertEquals(await result, "done");
    assertEquals(versions, [(await store.stored.read([ENTRY]))[0]?.version ?? ""]);
  }
});

Deno.test("what a decision throws is the answer, and nothing is written", async () => {
  const store = new FatedStore();
  const decide = () => {
    throw new GatewayError("topic_exists", "There is one");
  };
  const load = async () => ({ checks: [ABSENT] });
  const error = await assertRejects(
    () => transact(store, testHost(), { load, decide }),
    GatewayError,
  );
  assertEquals(error.code, "topic_exists");
  assertEquals(store.calls, []);
});

Deno.test("a store that cannot be read for long is unavailable; one that can again is used", async () => {
  const store = new FatedStore();
  const host = testHost();
  store.readFates = new Array(1_000).fill(unreadableNow);
  const failing = increment(store, host);
  assertEquals(codeOf(await failure(host, failing)), "unavailable");
  store.readFates = [unreadableNow, unreadableNow];
  const result = increment(store, host);
  await host.clock.advance(1_000);
  assertEquals(await result, 1);
});

Deno.test("any other error of loading is not tried again", async () => {
  const error = new GatewayError("unknown_topic", "There is no topic x");
  const load = () => Promise.reject(error);
  const decide = () => ({ mutations: [], result: 0 });
  const thrown = await assertRejects(() =>
    transact(new FatedStore(), testHost(), { load, decide })
  );
  assertEquals(thrown, error);
});

Deno.test("a write that is not certain in time is a timeout, and goes on", async () => {
  const store = new FatedStore();
  const host = testHost();
  store.writeFates = new Array(20).fill(lost);
  assertEquals(codeOf(await failure(host, increment(store, host))), "timeout");
  assertEquals(await store.value(HEAD), 1);
});

Deno.test("who is always overtaken gives up: unavailable with evidence, else it may have happened", async () => {
  for (
    const [evidence, code] of [[evidenceOf(1), "unavailable"], [undefined, "timeout"]] as const
  ) {
    const store = new FatedStore();
    const host = testHost();
    let others = 10;
    store.writeFates = new Array(200).fill(async (reach: () => Promise<WriteResult>) => {
      const [head] = await store.stored.read([HEAD]);
      const checks = [{ key: HEAD, version: head?.version ?? null }];
      await store.stored.write({ checks, mutations: [set(HEAD, others++)] });
      return await reach();
    });
    assertEquals(codeOf(await failure(host, increment(store, host, evidence))), code);
    assert(store.calls.filter((call) => call === "write").length < 50, "attempts are bounded");
  }
});

Deno.test("unavailable is not said of what may have happened before the store was out of reach", async () => {
  const store = new FatedStore();
  const host = testHost();
  store.writeFates = [storedUnheard];
  const readings: Fate<Entry[]>[] = [(reach) => reach(), (reach) => reach()];
  store.readFates = [...readings, ...new Array(1_000).fill(unreadableNow)];
  assertEquals(codeOf(await failure(host, increment(store, host))), "timeout");
  assertEquals(await store.value(HEAD), 1);
});
