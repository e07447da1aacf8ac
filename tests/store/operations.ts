/**
 * Operations on a store as data, and what comes of them in words, so that one list can be carried out
 * by several stores and compared. Versions are told by which write gave them: their text is each
 * store's own. What is over the port's limits is among them; what its callers never ask is not: a
 * scan's bounds lie under its prefix, in order, and no name has control characters.
 */

import fc from "fast-check";
import { STORE } from "../../src/limits.ts";
import type { Entry, Key, Mutation, Range, Store, Write } from "../../src/store/store.ts";

/** The version that a check asks for: what the key has, what it or another key had, or nothing. */
export type Asked = "present" | "past" | "absent";

export type Operation =
  | { readonly type: "read"; readonly keys: readonly Key[] }
  | { readonly type: "scan"; readonly range: Range }
  | {
    readonly type: "write";
    readonly checks: readonly { readonly key: Key; readonly asked: Asked }[];
    readonly mutations: readonly Change[];
  };

/** A value is so many times the same byte; a key without one is deleted. */
export interface Change {
  readonly key: Key;
  readonly value?: { readonly length: number; readonly byte: number };
}

/** One store, and what is known of it from what it has answered. */
export class Subject {
  readonly #store: Store;
  readonly #root: Key;
  /** By the versions' texts: the number of the write that each came from. */
  readonly #writes = new Map<string, number>();
  readonly #texts: string[] = [];
  /** By key: the version that it was last set with. */
  readonly #present = new Map<string, string>();

  /** All keys are under `root`, where nothing is yet. */
  constructor(store: Store, root: Key) {
    this.#store = store;
    this.#root = root;
  }

  /** Carries it out, and says what came of it. */
  async outcome(operation: Operation): Promise<string> {
    try {
      return await this.#carryOut(operation);
    } catch (error) {
      return `rejects with ${(error as Error).name}`;
    }
  }

  async #carryOut(operation: Operation): Promise<string> {
    switch (operation.type) {
      case "read":
        return this.#told(await this.#store.read(operation.keys.map((key) => this.#under(key))));
      case "scan":
        return this.#told(await this.#store.scan(this.#ranged(operation.range)));
      case "write":
        return await this.#write(operation);
    }
  }

  async #write({ checks, mutations }: Operation & { type: "write" }): Promise<string> {
    const write: Write = {
      checks: checks.map(({ key, asked }) => ({
        key: this.#under(key),
        version: this.#version(key, asked),
      })),
      mutations: mutations.map(({ key, value }): Mutation =>
        value
          ? { type: "set", key: this.#under(key), value: bytesOf(value) }
          : { type: "delete", key: this.#under(key) }
      ),
    };
    const result = await this.#store.write(write);
    if (result.outcome !== "stored") return result.outcome;
    if (this.#writes.has(result.version)) return "stored at a version that was there before";
    for (const { key, value } of mutations) {
      if (value) this.#present.set(key.join("/"), result.version);
      else this.#present.delete(key.join("/"));
    }
    this.#writes.set(result.version, this.#texts.push(result.version));
    return `stored by write ${this.#texts.length}`;
  }

  #version(key: Key, asked: Asked): string | null {
    if (asked === "absent") return null;
    const present = this.#present.get(key.join("/")) ?? null;
    if (asked === "present") return present;
    return this.#texts.findLast((text) => text !== present) ?? null;
  }

  #told(entries: readonly Entry[]): string {
    return entries.map(({ key, value, version }) => {
      const from = version === null ? "nothing" : `write ${this.#writes.get(version)}`;
      return `${JSON.stringify(key.slice(this.#root.length))}: ${toldOf(value)} from ${from}`;
    }).join("\n");
  }

  #ranged({ prefix, start, end, ...others }: Range): Range {
    return {
      prefix: this.#under(prefix),
      ...(start ? { start: this.#under(start) } : {}),
      ...(end ? { end: this.#under(end) } : {}),
      ...others,
    };
  }

  #under(key: Key): Key {
    return [...this.#root, ...key];
  }
}

function toldOf(value: Uint8Array | undefined): string {
  if (!value) return "no value";
  const same = value.every((byte) => byte === value[0]);
  return `${value.length} bytes, ${same ? `all ${value[0]}` : "not all the same"}`;
}

function bytesOf({ length, byte }: { length: number; byte: number }): Uint8Array {
  return new Uint8Array(length).fill(byte);
}

/** Names as they may be, also in the order of UTF-8 where that is not the one of UTF-16. */
const name = fc.constantFrom("", "a", "ab", "b", "B-1", "é", "\uff9f", "😀", "n".repeat(200));
const number = fc.constantFrom(0, 1, 9, 10, 255, 256, 2 ** 32, Number.MAX_SAFE_INTEGER);
const part = fc.oneof(name, number);
/** Few enough that most operations meet what others have done. */
const key: fc.Arbitrary<Key> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom<Key>(["a"], ["a", 1], ["a", 10], ["a", 9, "b"], ["b"]) },
  { weight: 1, arbitrary: fc.array(part, { minLength: 1, maxLength: 3 }) },
);
const length = fc.oneof(
  { weight: 20, arbitrary: fc.integer({ min: 0, max: 20 }) },
  { weight: 1, arbitrary: fc.constantFrom(STORE.valueBytes - 1, STORE.valueBytes) },
);
const value = fc.record({ length, byte: fc.integer({ min: 0, max: 255 }) });
const change: fc.Arbitrary<Change> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ key, value }) },
  { weight: 1, arbitrary: fc.record({ key }) },
);
const check = fc.record({ key, asked: fc.constantFrom<Asked>("present", "past", "absent") });
/** Most of them hold: a write that none is stored of tells little. */
const checks = fc.oneof(
  { weight: 3, arbitrary: key.map((key) => [{ key, asked: "present" as const }]) },
  { weight: 1, arbitrary: fc.array(check, { minLength: 1, maxLength: STORE.checks }) },
);

const read = fc.record({
  type: fc.constant("read" as const),
  keys: fc.array(key, { minLength: 1, maxLength: STORE.readKeys }),
});
const bound = fc.oneof(
  { weight: 2, arbitrary: fc.constant(undefined) },
  { weight: 1, arbitrary: fc.array(part, { minLength: 1, maxLength: 2 }) },
);
const scan = fc.record({
  prefix: fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom<Key>([], ["a"]) },
    { weight: 1, arbitrary: key },
  ),
  bounds: fc.tuple(bound, bound)
    .filter(([start, end]) => !start || !end || sortable(start) <= sortable(end)),
  limit: fc.constantFrom(1, 2, 3, 100, STORE.scanEntries),
  reverse: fc.boolean(),
}).map(({ prefix, bounds: [start, end], ...others }): Operation => ({
  type: "scan",
  range: {
    prefix,
    ...(start ? { start: [...prefix, ...start] } : {}),
    ...(end ? { end: [...prefix, ...end] } : {}),
    ...others,
  },
}));
const write = fc.record({
  type: fc.constant("write" as const),
  checks,
  mutations: fc.array(change, { maxLength: 6 }),
});

/** Within the limits. */
export const operation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 6, arbitrary: write },
  { weight: 3, arbitrary: read },
  { weight: 3, arbitrary: scan },
);

const everywhere: Range = { prefix: [], limit: 1 };
const large = (length: number): Change => ({ key: ["a"], value: { length, byte: 1 } });
const holding = [{ key: ["never"], asked: "absent" as const }];
/** Each is over one limit, but for the last, which is over none. */
export const atTheLimits: readonly Operation[] = [
  { type: "read", keys: new Array<Key>(STORE.readKeys + 1).fill(["a"]) },
  { type: "scan", range: { ...everywhere, limit: 0 } },
  { type: "scan", range: { ...everywhere, limit: STORE.scanEntries + 1 } },
  { type: "write", checks: [], mutations: [large(1)] },
  { type: "write", checks: new Array(STORE.checks + 1).fill(holding[0]), mutations: [large(1)] },
  { type: "write", checks: holding, mutations: [large(STORE.valueBytes + 1)] },
  { type: "write", checks: holding, mutations: new Array(12).fill(large(STORE.valueBytes)) },
  { type: "write", checks: holding, mutations: new Array(STORE.mutations + 1).fill(large(1)) },
  {
    type: "write",
    checks: holding,
    mutations: Array.from({ length: 400 }, (_, i) => ({ key: ["n".repeat(200), i] })),
  },
  { type: "write", checks: holding, mutations: new Array(11).fill(large(STORE.valueBytes)) },
];

/** What sorts as the key does: part by part, names by UTF-8, and before numbers. */
function sortable(key: Key): string {
  return key.map((part) => {
    if (typeof part === "number") return `ff${String(part).padStart(16, "0")}`;
    const bytes = [...new TextEncoder().encode(part), 0];
    return bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("");
  }).join("");
}
