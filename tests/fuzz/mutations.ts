/**
 * What is done to what is valid: to a tree of JSON, to its text, to bytes. Every mutation is one step;
 * whoever wants more takes several.
 *
 * New names come from a list that ends, so that not every mutated name makes a topic of its own.
 */

import { Buffer } from "node:buffer";
import type { Chance } from "../support/chance.ts";
import { anyJson } from "./grammar.ts";

type Tree = Record<string | number, unknown>;

const NUMBERS = [
  ...[0, 1, -1, 0.5, 63, 64, 65, 127, 128, 129, 200, 201, 900, 901, 1_000, 1_001, 1_024, 1_025],
  ...[2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 53 - 1, 2 ** 53, 2 ** 63, 1e21, 1e308, 5e-324],
];
const STRINGS = [
  ...["", ".", "..", "_internal", "a/../b", "*", "a*", "$SYS", "f0", "g0", "topic/key", "{sub}"],
  ...["__proto__", "constructor", "toString", "hasOwnProperty", "null", "0", "-0", "1e3"],
  ...["\ud800", "\udc00\ud800", "\ufeff", "\u0000", "\u202e", "\n\x1b[31m", "e\u0301", "\u2028"],
  ...["x".repeat(200), "x".repeat(201), "\u{1F600}".repeat(100), "\u{1F600}".repeat(101)],
  ...["latest", "earliest", "base64", "publish", "@producer", "AAE=", "AAE"],
];
/** Characters of what is repeated, all together: a little more than a message may have. */
const LARGEST = 1_200_000;
const NAMES = [
  "__proto__",
  "constructor",
  "toString",
  "id",
  "type",
  "subscription",
  "key",
  "",
  "x",
];
/** Numbers as they may stand in a text, but not in a tree. */
const NUMERALS = [
  "-0",
  "1e999",
  "-1e999",
  "1.0",
  "1e3",
  "9".repeat(400),
  "01",
  "+1",
  "NaN",
  "0x10",
];

/** Where something stands in a tree. */
interface Place {
  readonly tree: Tree;
  readonly key: string | number;
}

function placesIn(tree: Tree, found: Place[] = []): Place[] {
  const keys = Array.isArray(tree) ? tree.keys() : Object.keys(tree);
  for (const key of keys) {
    found.push({ tree, key });
    const inner = tree[key];
    if (typeof inner === "object" && inner !== null) placesIn(inner as Tree, found);
  }
  return found;
}

/** Sets a member, `__proto__` too. */
function put(tree: Tree, key: string | number, value: unknown): void {
  Object.defineProperty(tree, key, {
    value,
    enumerable: true,
    configurable: true,
    writable: true,
  });
}

function remove({ tree, key }: Place): void {
  if (Array.isArray(tree)) tree.splice(key as number, 1);
  else delete tree[key];
}

function deep(chance: Chance): unknown {
  let value: unknown = 1;
  const depth = chance.pick([5, 60, 61, 62, 63, 64, 65, 500]);
  for (let i = 0; i < depth; i++) value = i % 2 === 0 ? [value] : { a: value };
  return value;
}

const TREE_MUTATIONS: readonly ((chance: Chance, place: Place, all: readonly Place[]) => void)[] = [
  (_, place) => remove(place),
  (chance, { tree, key }, all) => put(tree, key, structuredClone(valueAt(chance.pick(all)))),
  (chance, place) => {
    const value = valueAt(place);
    remove(place);
    if (Array.isArray(place.tree)) place.tree.push(value, value);
    else put(place.tree, chance.pick(NAMES), value);
  },
  (chance, { tree, key }) => put(tree, key, chance.pick(NUMBERS)),
  (chance, { tree, key }) => put(tree, key, chance.pick(STRINGS)),
  (chance, { tree, key }) => put(tree, key, chance.pick([null, true, false, [], {}])),
  (chance, { tree, key }) => put(tree, key, anyJson(chance)),
  (chance, { tree, key }) => put(tree, key, deep(chance)),
  (_, { tree, key }) => put(tree, key, [tree[key]]),
  (_, { tree, key }) => put(tree, key, `${JSON.stringify(tree[key])}`),
  (chance, { tree }) => put(tree, chance.pick(NAMES), anyJson(chance)),
  (chance, { tree, key }) => put(tree, key, "x".repeat(chance.pick([4_097, 70_000, 262_145]))),
  (chance, { tree, key }) => {
    const value = tree[key];
    const item = Array.isArray(value) ? value[0] ?? 0 : value;
    const fits = Math.floor(LARGEST / JSON.stringify(item).length);
    put(tree, key, Array(Math.min(fits, chance.pick([65, 101, 129, 1_001, 1_025]))).fill(item));
  },
];

function valueAt({ tree, key }: Place): unknown {
  return tree[key];
}

/** Changes one thing in a copy of the tree. */
export function mutateTree<T extends object>(chance: Chance, given: T): T {
  // Nothing in it stands in two places: else one step would change it in both, and grow it without end.
  const tree: T = JSON.parse(JSON.stringify(given));
  const places = placesIn(tree as Tree);
  if (places.length > 0) chance.pick(TREE_MUTATIONS)(chance, chance.pick(places), places);
  return tree;
}

const TEXT_MUTATIONS: readonly ((chance: Chance, text: string) => string)[] = [
  (chance, text) => text.slice(0, Math.floor(chance.between(0, text.length))),
  (chance, text) => text.slice(Math.floor(chance.between(0, text.length))),
  (_, text) => text + text,
  (_, text) => `[${text},${text}]`,
  (chance, text) =>
    `[${Array(chance.pick([2, 64, 65])).fill('{"type":"heartbeat"}').join()},${text}]`,
  (_, text) => `[[${text}]]`,
  (_, text) => `\ufeff${text}`,
  (_, text) => ` \t\r\n${text}\n`,
  (_, text) => `${text}\u0000`,
  (chance, text) => text.replace(/\d+/, chance.pick(NUMERALS)),
  (chance, text) => text.replace("{", `{"${chance.pick(NAMES)}":${chance.pick(NUMERALS)},`),
  (chance, text) => text.replace("{", `{"type":"${chance.pick(["publish", "hello", "x"])}",`),
  (_, text) => text.replace(/,"/, ',"__proto__":{"type":"hello"},"'),
  (_, text) => text.replace(/"(\w)/, '"\\u00$1'),
  (_, text) =>
    text.replace(/"([a-z])/g, (_, letter) => `"\\u00${letter.charCodeAt(0).toString(16)}`),
  (_, text) => text.replaceAll(":", ": "),
  (chance, text) => "[".repeat(chance.pick([64, 65, 100_000])) + text,
  (chance, text) => '{"a":'.repeat(chance.pick([64, 65, 100_000])) + text,
];

/** Changes one thing in a text. */
export function mutateText(chance: Chance, text: string): string {
  return chance.pick(TEXT_MUTATIONS)(chance, text);
}

export function randomBytes(chance: Chance, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => Math.floor(chance.between(0, 256)));
}

const BYTE_MUTATIONS: readonly ((chance: Chance, bytes: Uint8Array, at: number) => Uint8Array)[] = [
  (chance, bytes, at) => {
    const changed = bytes.slice();
    changed[at] = (changed[at] ?? 0) ^ (1 << Math.floor(chance.between(0, 8)));
    return changed;
  },
  (chance, bytes, at) => splice(bytes, at, 0, randomBytes(chance, 1 + at % 4)),
  (chance, bytes, at) => splice(bytes, at, Math.floor(chance.between(1, 9))),
  (_, bytes, at) => splice(bytes, at, 0, Buffer.from([0xed, 0xa0, 0x80])), // half of a pair
  (_, bytes, at) => splice(bytes, at, 0, Buffer.from([0xc0, 0x80])), // a zero, too long
  (_, bytes, at) => bytes.slice(0, at),
  (_, bytes, at) => splice(bytes, at, 0, bytes.slice(0, at)),
];

/** Changes one thing in bytes. */
export function mutateBytes(chance: Chance, bytes: Uint8Array): Uint8Array {
  const at = Math.floor(chance.between(0, bytes.length));
  return chance.pick(BYTE_MUTATIONS)(chance, bytes, at);
}

function splice(
  bytes: Uint8Array,
  at: number,
  removed: number,
  added: Uint8Array = new Uint8Array(0),
): Uint8Array {
  return Buffer.concat([bytes.subarray(0, at), added, bytes.subarray(at + removed)]);
}
