import { assert, assertEquals, assertRejects } from "@std/assert";
import { AssertionFailed } from "../../src/assert.ts";
import type { Store, WriteResult } from "../../src/store/store.ts";
import { settle, type Settled, Unsettled } from "../../src/store/transact.ts";
import { type TestHost, testHost } from "../support/test_host.ts";
import {
  CONFLICT,
  ENTRY,
  evidenceOf,
  type Fate,
  FatedStore,
  HEAD,
  lost,
  overtake,
  set,
  storedUnheard,
  storedYetRefused,
  UNKNOWN,
  unreadableNow,
  writeOf,
} from "./fated_store.ts";

/** Settles the write of 1, while time passes as it must. */
async function settling(store: Store, host: TestHost, evidence = evidenceOf(1)): Promise<Settled> {
  const result = settle(store, host, writeOf(1), evidence, { deadlineMs: 1e9 });
  await host.clock.advance(60_000);
  return await result;
}

Deno.test("a write that is answered 'stored' costs one call", async () => {
  const store = new FatedStore();
  const result = await settling(store, testHost());
  const [head] = await store.stored.read([HEAD]);
  assertEquals(result, { stored: true, version: head?.version ?? "" });
  assertEquals(store.calls, ["write"]);
});

const once: Record<string, Fate<WriteResult>> = {
  "an answer that was lost": storedUnheard,
  "a request that was lost": lost,
  "a conflict that is a lie": storedYetRefused,
};
for (const [what, fate] of Object.entries(once)) {
  Deno.test(`a write with ${what} is stored, at the version of its evidence`, async () => {
    const store = new FatedStore();
    store.writeFates = [fate];
    const result = await settling(store, testHost());
    const [entry] = await store.stored.read([ENTRY]);
    assertEquals(result, { stored: true, version: entry?.version ?? "" });
    assertEquals(await store.value(ENTRY), 1);
  });
}

const refusals: Record<string, Fate<WriteResult>> = {
  "the store says so": async () => CONFLICT,
  "the store says nothing": lost,
};
for (const [how, fate] of Object.entries(refusals)) {
  Deno.test(`a write whose check fails is not stored, where ${how}`, async () => {
    const store = new FatedStore();
    await overtake(store);
    store.writeFates = [fate];
    assertEquals(await settling(store, testHost()), { stored: false });
    assertEquals(await store.value(ENTRY), undefined);
    assertEquals(store.calls, ["write", "read head", "read entry"]);
  });
}

Deno.test("a stored write is known by its evidence when others have moved the head since", async () => {
  const store = new FatedStore();
  store.writeFates = [async (reach) => {
    const result = await reach();
    assert(result.outcome === "stored");
    const check = { key: HEAD, version: result.version };
    await store.stored.write({ checks: [check], mutations: [set(HEAD, 2)] });
    return UNKNOWN;
  }];
  assertEquals((await settling(store, testHost())).stored, true);
  assertEquals(await store.value(HEAD), 2);
});

Deno.test("a write that lands while its fate is asked for is stored once", async () => {
  for (const beforeRead of [0, 1]) {
    const store = new FatedStore();
    let land: () => Promise<unknown> = async () => {};
    store.writeFates = [async (reach) => {
      land = reach;
      return UNKNOWN;
    }];
    store.readFates[beforeRead] = async (reach) => {
      await land();
      return await reach();
    };
    if (beforeRead === 1) store.readFates[0] = (reach) => reach();
    const result = await settling(store, testHost());
    const [entry] = await store.stored.read([ENTRY]);
    assertEquals(result, { stored: true, version: entry?.version ?? "" });
    assertEquals(store.calls, ["write", "read head", "read entry"]);
  }
});

Deno.test("a write that comes through after it was sent again changes nothing more", async () => {
  const store = new FatedStore();
  let late: () => Promise<WriteResult> = async () => UNKNOWN;
  store.writeFates = [async (reach) => {
    late = reach;
    return UNKNOWN;
  }];
  const result = await settling(store, testHost());
  assertEquals(store.calls, ["write", "read head", "read entry", "write"]);
  assertEquals(await late(), CONFLICT);
  const [entry] = await store.stored.read([ENTRY]);
  assertEquals(result, { stored: true, version: entry?.version ?? "" });
});

Deno.test("a write that lands before it is sent again is stored once, though the second says conflict", async () => {
  const store = new FatedStore();
  let late: () => Promise<WriteResult> = async () => UNKNOWN;
  store.writeFates = [
    async (reach) => {
      late = reach;
      return UNKNOWN;
    },
    async (reach) => {
      await late();
      return await reach();
    },
  ];
  assertEquals((await settling(store, testHost())).stored, true);
  assertEquals(await store.value(ENTRY), 1);
});

Deno.test("while the checks hold, a write is never said to be refused", async () => {
  const store = new FatedStore();
  store.writeFates = new Array(20).fill(async () => CONFLICT);
  assertEquals((await settling(store, testHost())).stored, true);
  assertEquals(store.calls.filter((call) => call === "write").length, 21);
});

Deno.test("without evidence, 'not stored' says only that it will not be from now on", async () => {
  const store = new FatedStore();
  const host = testHost();
  store.writeFates = [storedUnheard];
  const result = settle(store, host, writeOf(1), undefined, { deadlineMs: 1e9 });
  assertEquals(await result, { stored: false });
  assertEquals(store.calls, ["write", "read head"]);
});

Deno.test("a store that cannot be read is asked again, ever less often, up to a second apart", async () => {
  const store = new FatedStore();
  const host = testHost();
  const begun = host.clock.monotonic();
  const times: number[] = [];
  store.writeFates = new Array(12).fill(async () => {
    times.push(host.clock.monotonic() - begun);
    return UNKNOWN;
  });
  store.readFates = new Array(12).fill(unreadableNow);
  assertEquals((await settling(store, host)).stored, true);
  const pauses = times.slice(1).map((time, i) => time - (times[i] ?? 0));
  assert(pauses.every((ms, i) => ms >= Math.min(500, 10 * 2 ** i) && ms <= 1_000), `${pauses}`);
  assert(new Set(pauses.slice(-4)).size === 4, `pauses are jittered: ${pauses}`);
});

Deno.test("a bug is not taken for a store that cannot be read", async () => {
  const store = new FatedStore();
  store.writeFates = [storedUnheard];
  const holds = () => {
    throw new TypeError("a bug");
  };
  const evidence = { key: ENTRY, holds };
  const options = { deadlineMs: 1e9 };
  await assertRejects(() => settle(store, testHost(), writeOf(1), evidence, options), TypeError);
  const unchecked = { checks: [], mutations: [set(HEAD, 1)] };
  await assertRejects(
    () => settle(store, testHost(), unchecked, undefined, options),
    AssertionFailed,
  );
});

Deno.test("what is overdue is told once at the deadline, and settled all the same", async () => {
  const store = new FatedStore();
  const host = testHost();
  let overdue = 0;
  const begun = host.clock.monotonic();
  store.writeFates = [
    (reach) =>
      new Promise((resolve) => host.clock.after(3_000, () => resolve(storedUnheard(reach)))),
  ];
  store.readFates = new Array(8).fill(unreadableNow);
  const result = settle(store, host, writeOf(1), evidenceOf(1), {
    deadlineMs: 3_100,
    overdue: () => {
      overdue++;
      assertEquals(host.clock.monotonic() - begun, 3_100);
    },
  });
  await host.clock.advance(3_099);
  assertEquals(overdue, 0);
  await host.clock.advance(60_000);
  assertEquals(overdue, 1);
  assertEquals((await result).stored, true);
});

Deno.test("what is settled in time is never overdue", async () => {
  const store = new FatedStore();
  const host = testHost();
  store.writeFates = [lost];
  const overdue = () => {
    throw new Error("told too much");
  };
  const result = settle(store, host, writeOf(1), evidenceOf(1), { deadlineMs: 100, overdue });
  await host.clock.advance(10_000);
  assertEquals((await result).stored, true);
});

Deno.test("what is given up is neither stored nor not", async () => {
  const store = new FatedStore();
  const stopping = new AbortController();
  stopping.abort();
  store.writeFates = [lost];
  await assertRejects(
    () =>
      settle(store, testHost(), writeOf(1), evidenceOf(1), {
        deadlineMs: 1e9,
        signal: stopping.signal,
      }),
    Unsettled,
  );
});
