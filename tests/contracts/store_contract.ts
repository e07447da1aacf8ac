/**
 * The contract of every store, as tests that each implementation runs: `memory_test.ts` and
 * `deno_kv_test.ts` call `storeContract` with a function that opens one. The gateway must not rely
 * on anything that is not tested here.
 */

import { assert, assertEquals, assertGreater, assertRejects } from "@std/assert";
import fc from "fast-check";
import { AssertionFailed } from "../../src/assert.ts";
import { STORE } from "../../src/limits.ts";
import type { Check, Entry, Key, Mutation, Range, Store } from "../../src/store/store.ts";

/** A store that is empty, except for what the gateway itself keeps in it. */
export type OpenStore = () => Promise<{ store: Store; close: () => Promise<void> }>;

/** Registers the tests of the contract for one implementation. */
export function storeContract(name: string, open: OpenStore): void {
  const test = (claim: string, run: (store: Store) => Promise<void>) =>
    Deno.test(`${name}: ${claim}`, async () => {
      const { store, close } = await open();
      try {
        await run(store);
      } finally {
        await close();
      }
    });
  readingAndWriting(test);
  checking(test);
  scanning(test);
  bounds(test);
}

type Test = (claim: string, run: (store: Store) => Promise<void>) => void;

function readingAndWriting(test: Test): void {
  test("where nothing is, there is no value and the version is null", async (store) => {
    const key = ["a", 1];
    assertEquals(await store.read([key]), [{ key, value: undefined, version: null }]);
  });

  test("what is written is read at the version that the write was given", async (store) => {
    const version = await stored(store, [set(["a"], 1), set(["b"], 2)]);
    assertEquals(await store.read([["b"], ["a"]]), [
      { key: ["b"], value: bytes(2), version },
      { key: ["a"], value: bytes(1), version },
    ]);
  });

  test("a read answers each key where it was asked, also twice and where nothing is", async (store) => {
    await stored(store, [set(["a"], 1)]);
    const found = await store.read([["x"], ["a"], ["x"], ["a"]]);
    assertEquals(found.map(({ value }) => value?.[0]), [undefined, 1, undefined, 1]);
    assertEquals(found.map(({ key }) => key), [["x"], ["a"], ["x"], ["a"]]);
  });

  test("versions rise with every write, also of other keys and after a delete", async (store) => {
    const versions = [
      await stored(store, [set(["a"], 1)]),
      await stored(store, [set(["b"], 1)]),
      await stored(store, [remove(["a"])]),
      await stored(store, [set(["a"], 1)]),
    ];
    assertEquals(versions, [...new Set(versions)].sort());
  });

  test("the mutations of a write happen in their order", async (store) => {
    await stored(store, [set(["a"], 1), set(["a"], 2), set(["b"], 1), remove(["b"])]);
    await stored(store, [remove(["a"]), set(["a"], 3), remove(["nothing"])]);
    const found = await store.read([["a"], ["b"]]);
    assertEquals(found.map(({ value }) => value?.[0]), [3, undefined]);
  });

  test("values are copied on their way in and out", async (store) => {
    const value = bytes(1);
    await stored(store, [{ type: "set", key: ["a"], value }]);
    value[0] = 9;
    const [first] = await store.read([["a"]]);
    if (first?.value) first.value[0] = 8;
    assertEquals((await store.read([["a"]]))[0]?.value, bytes(1));
  });

  test("only the bytes of a view are stored, not those around it", async (store) => {
    const around = Uint8Array.of(1, 2, 3, 4);
    await stored(store, [{ type: "set", key: ["a"], value: around.subarray(1, 3) }]);
    assertEquals((await store.read([["a"]]))[0]?.value, Uint8Array.of(2, 3));
  });
}

function checking(test: Test): void {
  test("a write whose check fails changes nothing", async (store) => {
    const version = await stored(store, [set(["a"], 1), set(["b"], 1)]);
    await stored(store, [set(["b"], 2)]);
    const result = await store.write({
      checks: [{ key: ["a"], version }, { key: ["b"], version }],
      mutations: [set(["a"], 3), set(["c"], 3)],
    });
    assertEquals(result, { outcome: "conflict" });
    const found = await store.read([["a"], ["b"], ["c"]]);
    assertEquals(found.map(({ value }) => value?.[0]), [1, 2, undefined]);
  });

  test("null holds where nothing is, was never or is no more, and nowhere else", async (store) => {
    const check = { key: ["a"], version: null };
    const outcome = async (mutation: Mutation) =>
      (await store.write({ checks: [check], mutations: [mutation] })).outcome;
    assertEquals(await outcome(set(["a"], 1)), "stored");
    assertEquals(await outcome(set(["a"], 2)), "conflict");
    await stored(store, [remove(["a"])]);
    assertEquals(await outcome(set(["a"], 3)), "stored");
  });

  test("a version does not come back with the value that it had", async (store) => {
    const version = await stored(store, [set(["a"], 1)]);
    await stored(store, [set(["a"], 1)]);
    const check = { key: ["a"], version };
    const result = await store.write({ checks: [check], mutations: [set(["a"], 2)] });
    assertEquals(result.outcome, "conflict");
  });

  test("of many writes at once under the same check, one is stored", async (store) => {
    const version = await stored(store, [set(["head"], 0)]);
    const results = await Promise.all(Array.from({ length: 50 }, (_, i) =>
      store.write({
        checks: [{ key: ["head"], version }],
        mutations: [set(["head"], i), set(["entry", i], i)],
      })));
    const winners = results.filter(({ outcome }) => outcome === "stored");
    assertEquals(winners.length, 1);
    const entries = await store.scan({ prefix: ["entry"], limit: 100 });
    const [head] = await store.read([["head"]]);
    assertEquals(entries.map(({ value }) => value), [head?.value]);
  });
}

function scanning(test: Test): void {
  test("keys are in order by part, strings before numbers, numbers by value", async (store) => {
    const ordered: Key[] = [
      ["r", ""],
      ["r", "", 0],
      ["r", "A"],
      ["r", "a"],
      ["r", "a", "z"],
      ["r", "a", 0],
      ["r", "a", 9],
      ["r", "a", 9, 0],
      ["r", "a", 10],
      ["r", "a-b"],
      ["r", "ab"],
      ["r", "\uff9f"],
      ["r", "😀"],
      ["r", 0],
      ["r", 9],
      ["r", 80],
      ["r", 700],
      ["r", 2 ** 32],
      ["r", Number.MAX_SAFE_INTEGER],
    ];
    await stored(store, ordered.toReversed().map((key) => set(key, 1)));
    const found = await store.scan({ prefix: ["r"], limit: 100 });
    assertEquals(found.map(({ key }) => key), ordered);
  });

  test("a scan has what is under the prefix, and not the prefix or its neighbours", async (store) => {
    const keys: Key[] = [["p"], ["p", 1], ["p", 1, 0], ["p", 1, "x", 3], ["p", 12], ["pq", 1]];
    await stored(store, keys.map((key) => set(key, 1)));
    const scan = async (limit: number, reverse: boolean) => {
      const found = await store.scan({ prefix: ["p", 1], limit, reverse });
      return found.map(({ key }) => key);
    };
    const under: Key[] = [["p", 1, "x", 3], ["p", 1, 0]];
    assertEquals(await scan(10, false), under);
    assertEquals(await scan(10, true), under.toReversed());
    // A key that equals the prefix does not count towards the limit.
    assertEquals(await scan(1, false), under.slice(0, 1));
  });

  test("a scan goes from its start to before its end, both ways, up to its limit", async (store) => {
    await stored(store, Array.from({ length: 10 }, (_, i) => set(["n", i], i)));
    const scan = async (range: Partial<Range>) => {
      const found = await store.scan({ prefix: ["n"], limit: 100, ...range });
      return found.map(({ value }) => value?.[0]).join("");
    };
    assertEquals(await scan({}), "0123456789");
    assertEquals(await scan({ start: ["n", 3] }), "3456789");
    assertEquals(await scan({ end: ["n", 3] }), "012");
    assertEquals(await scan({ start: ["n", 3], end: ["n", 6] }), "345");
    assertEquals(await scan({ start: ["n", 3], end: ["n", 6], reverse: true }), "543");
    assertEquals(await scan({ limit: 2 }), "01");
    assertEquals(await scan({ limit: 2, reverse: true }), "98");
    assertEquals(await scan({ start: ["n", 6], end: ["n", 6] }), "");
    assertEquals(await scan({ start: ["n", 4, 0] }), "56789");
  });

  test("any writes and scans go as they do in a plain list", async (store) => {
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(writes, { maxLength: 6 }), range, async (batches, asked) => {
        const root = ["run", run++];
        const model: Found[] = [];
        for (const batch of batches) {
          await stored(store, batch.map(({ key, value }) => mutationOf([...root, ...key], value)));
          for (const { key, value } of batch) {
            const at = model.findIndex((other) => compare(other.key, key) === 0);
            if (at >= 0) model.splice(at, 1);
            if (value !== undefined) model.push({ key, value });
          }
        }
        const { start, end, limit, reverse } = asked;
        const found = await store.scan({
          prefix: root,
          ...(start ? { start: [...root, ...start] } : {}),
          ...(end ? { end: [...root, ...end] } : {}),
          limit,
          reverse,
        });
        const below = found.map(({ key, value }): Found => ({
          key: key.slice(root.length),
          value: value?.[0],
        }));
        assertEquals(below, [...scanOf(model, asked)]);
      }),
      { numRuns: 150 },
    );
  });
}

function bounds(test: Test): void {
  test("what the limits allow is stored, and read in one scan", async (store) => {
    const value = new Uint8Array(600).fill(7);
    const checks = Array.from({ length: STORE.checks }, (_, i): Check => ({
      key: ["absent", i],
      version: null,
    }));
    const mutations = Array.from({ length: STORE.mutations }, (_, i): Mutation => ({
      type: "set",
      key: ["many", i],
      value,
    }));
    assertEquals((await store.write({ checks, mutations })).outcome, "stored");
    const found = await store.scan({ prefix: ["many"], limit: STORE.scanEntries });
    assertEquals(found.length, STORE.scanEntries);
    assert(found.every((entry) => isWhole(entry, value.length)));
  });

  test("the largest values are stored, as many as one write takes", async (store) => {
    const value = new Uint8Array(STORE.valueBytes);
    const count = Math.floor(STORE.writeBytes / STORE.valueBytes);
    assertGreater(count, 1);
    const mutations = Array.from({ length: count }, (_, i): Mutation => ({
      type: "set",
      key: ["large", i],
      value,
    }));
    await stored(store, mutations);
    const found = await store.scan({ prefix: ["large"], limit: count });
    assert(found.length === count && found.every((entry) => isWhole(entry, value.length)));
  });

  test("what is over a limit is a bug: it is asserted, and nothing of it is stored", async (store) => {
    const check: Check = { key: ["absent"], version: null };
    const large = (length: number): Mutation => ({
      type: "set",
      key: ["large"],
      value: new Uint8Array(length),
    });
    const over = [
      { checks: [], mutations: [] },
      { checks: new Array<Check>(STORE.checks + 1).fill(check), mutations: [] },
      { checks: [check], mutations: new Array(STORE.mutations + 1).fill(remove(["x"])) },
      { checks: [check], mutations: [large(STORE.valueBytes + 1)] },
      { checks: [check], mutations: new Array(12).fill(large(STORE.valueBytes)) },
    ];
    for (const { checks, mutations } of over) {
      const first = set(["first"], 1);
      await assertRejects(
        () => store.write({ checks, mutations: [first, ...mutations] }),
        AssertionFailed,
      );
    }
    assertEquals((await store.read([["first"]]))[0]?.value, undefined);
    const keys = Array.from({ length: STORE.readKeys + 1 }, (_, i) => ["a", i]);
    await assertRejects(() => store.read(keys), AssertionFailed);
    const limit = STORE.scanEntries + 1;
    await assertRejects(() => store.scan({ prefix: ["a"], limit }), AssertionFailed);
  });
}

const part = fc.oneof(
  fc.constantFrom("", "a", "ab", "b", "é", "topic-1"),
  fc.constantFrom(0, 1, 9, 10, 11, 100, 2 ** 40),
);
const key = fc.array(part, { minLength: 1, maxLength: 3 });
const writes = fc.array(
  fc.record({ key, value: fc.option(fc.integer({ min: 0, max: 255 }), { nil: undefined }) }),
  { maxLength: 12 },
);
const range = fc.record({
  start: fc.option(key, { nil: undefined }),
  end: fc.option(key, { nil: undefined }),
  limit: fc.integer({ min: 1, max: 20 }),
  reverse: fc.boolean(),
}).filter(({ start, end }) => !start || !end || compare(start, end) <= 0);

interface Found {
  readonly key: Key;
  readonly value: number | undefined;
}

interface Asked {
  readonly start: Key | undefined;
  readonly end: Key | undefined;
  readonly limit: number;
  readonly reverse: boolean;
}

/** The expected result of a scan. */
function scanOf(
  model: readonly Found[],
  { start, end, limit, reverse }: Asked,
): readonly Found[] {
  const sorted = model
    .filter(({ key }) => (!start || compare(key, start) >= 0) && (!end || compare(key, end) < 0))
    .sort((a, b) => compare(a.key, b.key));
  return (reverse ? sorted.reverse() : sorted).slice(0, limit);
}

/** The order of keys, as the port defines it. */
function compare(a: Key, b: Key): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const [x, y] = [a[i] ?? "", b[i] ?? ""];
    if (typeof x !== typeof y) return typeof x === "string" ? -1 : 1;
    if (x !== y) return x < y ? -1 : 1;
  }
  return a.length - b.length;
}

/** Writes with only the condition that every write must have. Returns the version. */
async function stored(store: Store, mutations: readonly Mutation[]): Promise<string> {
  const checks = [{ key: ["never set"], version: null }];
  const result = await store.write({ checks, mutations });
  assert(result.outcome === "stored", `The write ended as ${result.outcome}`);
  return result.version;
}

function mutationOf(key: Key, value: number | undefined): Mutation {
  return value === undefined ? remove(key) : set(key, value);
}

function set(key: Key, value: number): Mutation {
  return { type: "set", key, value: bytes(value) };
}

function remove(key: Key): Mutation {
  return { type: "delete", key };
}

function bytes(value: number): Uint8Array {
  return Uint8Array.of(value);
}

function isWhole({ value }: Entry, length: number): boolean {
  return value?.length === length;
}
