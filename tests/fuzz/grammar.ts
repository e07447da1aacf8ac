/**
 * Frames that are valid, of every type, as chance has it: the stuff that is sent as it is in orders
 * that make no sense, and the stuff that is mutated. Few names, so that conversations meet.
 *
 * What only the gateway can give (a producer's id and epoch, an incarnation) stands here as a word
 * that is replaced when it is sent: so the inputs of a seed do not depend on what the gateway said.
 */

import type { FrameType } from "../../src/protocol/frames.ts";
import type { Chance } from "../support/chance.ts";

export type Fields = Record<string, unknown>;

export const TOPICS = ["f0", "f1", "f2", "f3", "f4"];
export const GROUPS = ["g0", "g1", "g2"];
export const PARTITIONS = 3;
/** Instances, producers, clients. */
const LABELS = ["a", "b", "phone 7", "__proto__", "\u{1F600}", "x".repeat(200)];
const KEYS = ["", "k", "cab-7", "__proto__", "\u043a\u043b\u044e\u0447", '"\\', "\u0000"];

/** Words that are replaced by what the gateway last gave; the last two by numbers. */
export const GIVEN = {
  producer: "@producer",
  incarnation: "@incarnation",
  epoch: "@epoch",
  sequence: "@sequence",
} as const;

/** A number below `count`, mostly: what has a small number is likely to be there. */
function small(chance: Chance, count: number): number {
  return Math.floor(chance.between(0, count));
}

/** The members that chance has in. */
function maybe(chance: Chance, members: Readonly<Record<string, () => unknown>>): Fields {
  const kept: Fields = {};
  for (const [name, make] of Object.entries(members)) if (chance.chance(0.4)) kept[name] = make();
  return kept;
}

function several<T>(chance: Chance, min: number, max: number, make: () => T): T[] {
  return Array.from({ length: min + small(chance, max - min + 1) }, make);
}

/** Without those that name a partition again, which makes a frame invalid. */
function distinct<T extends { topic?: string; partition: number }>(positions: readonly T[]): T[] {
  return [...new Map(positions.map((one) => [`${one.topic}/${one.partition}`, one])).values()];
}

/** Any JSON, not large. */
export function anyJson(chance: Chance, depth = 0): unknown {
  const simple = [
    null,
    true,
    0,
    small(chance, 2 ** 31),
    -chance.random(),
    chance.pick(KEYS),
    "x".repeat(small(chance, 60)),
  ];
  if (depth > 3 || chance.chance(0.6)) return chance.pick(simple);
  const inner = () => anyJson(chance, depth + 1);
  if (chance.chance(0.5)) return several(chance, 0, 4, inner);
  return Object.fromEntries(several(chance, 0, 4, () => [chance.pick(KEYS), inner()]));
}

function record(chance: Chance): Fields {
  const isBytes = chance.chance(0.1);
  return {
    value: isBytes ? "AAEC" : anyJson(chance),
    ...isBytes ? { encoding: "base64" } : {},
    ...maybe(chance, {
      key: () => chance.pick(KEYS),
      headers: () => ({ [chance.pick(KEYS)]: chance.pick(KEYS) }),
      partition: () => small(chance, PARTITIONS + 1),
      timestamp: () => small(chance, 2 ** 41),
    }),
  };
}

export function publishPart(chance: Chance): Fields {
  return {
    topic: chance.pick(TOPICS),
    records: several(chance, 1, chance.chance(0.05) ? 200 : 5, () => record(chance)),
    ...maybe(chance, {
      producer: () => ({
        id: GIVEN.producer,
        epoch: GIVEN.epoch,
        sequence: chance.chance(0.7) ? GIVEN.sequence : small(chance, 70),
      }),
    }),
  };
}

const subscription = (chance: Chance) => 1 + small(chance, 5);
const topicPartition = (chance: Chance) => ({
  topic: chance.pick(TOPICS),
  partition: small(chance, PARTITIONS),
});
const position = (chance: Chance) => ({ ...topicPartition(chance), offset: small(chance, 30) });
const offsets = (chance: Chance) =>
  distinct(several(chance, 0, 3, () => ({
    ...position(chance),
    ...maybe(chance, { metadata: () => chance.pick(KEYS) }),
  })));
const credit = (chance: Chance) => ({
  records: small(chance, 1_000),
  ...maybe(chance, { bytes: () => small(chance, 100_000) }),
});

function from(chance: Chance): unknown {
  return chance.pick([
    "latest",
    "earliest",
    { timestamp: small(chance, 2 ** 41) },
    {
      positions: distinct(several(chance, 1, 2, () => {
        const { partition, offset } = position(chance);
        return { partition, offset };
      })),
      incarnation: GIVEN.incarnation,
    },
  ]);
}

function subscribe(chance: Chance): Fields {
  const fields: Fields = {
    topic: chance.pick(TOPICS),
    ...maybe(chance, {
      keys: () => several(chance, 1, 3, () => chance.pick(KEYS)),
      from: () => from(chance),
      credit: () => credit(chance),
      onSlow: () => chance.pick(["block", "drop", "latest"]),
    }),
  };
  const begins = fields["from"];
  const resumes = typeof begins === "object" && begins !== null && "positions" in begins;
  const some = () => several(chance, 1, 2, () => small(chance, PARTITIONS));
  return { ...fields, ...resumes ? {} : maybe(chance, { partitions: some }) };
}

function join(chance: Chance): Fields {
  const named = chance.chance(0.5)
    ? {
      instance: chance.pick(LABELS),
      ...maybe(chance, {
        client: () => chance.pick(LABELS),
        attempt: () => small(chance, 9),
        sessionTimeoutMs: () => 200 + small(chance, 3_000),
      }),
    }
    : {};
  return {
    group: chance.pick(GROUPS),
    topics: several(chance, 1, 3, () => chance.pick(TOPICS)),
    ...named,
    ...maybe(chance, {
      from: () => chance.pick(["earliest", "latest"]),
      credit: () => credit(chance),
      revokeTimeoutMs: () => small(chance, 2_000),
    }),
  };
}

/** Type → the members of a frame of it, but for `type` and `id`. */
const FRAMES: { readonly [T in FrameType]: (chance: Chance) => Fields } = {
  hello: (chance) =>
    maybe(chance, { token: () => "t", client: () => ({ name: "app", version: "1" }) }),
  auth: () => ({ token: "t" }),
  heartbeat: () => ({}),
  initProducer: (chance) => maybe(chance, { name: () => chance.pick(LABELS) }),
  publish: publishPart,
  transact: (chance) => ({
    publish: several(chance, 1, 3, () => publishPart(chance)),
    ...maybe(chance, {
      commit: () => ({ subscription: subscription(chance), offsets: offsets(chance) }),
    }),
  }),
  subscribe,
  unsubscribe: (chance) => ({ subscription: subscription(chance) }),
  seek: (chance) => ({
    subscription: subscription(chance),
    partitions: distinct(several(chance, 0, 2, () => position(chance))),
  }),
  credit: (chance) => ({
    subscription: subscription(chance),
    ...maybe(chance, { records: () => small(chance, 500), bytes: () => small(chance, 50_000) }),
  }),
  join,
  commit: (chance) => ({ subscription: subscription(chance), offsets: offsets(chance) }),
  leave: (chance) => ({ subscription: subscription(chance) }),
  release: (chance) => ({
    subscription: subscription(chance),
    partitions: several(chance, 0, 2, () => topicPartition(chance)),
  }),
};

/** Each type as often as its name stands here: what does most has the most to get wrong. */
const TYPES: readonly FrameType[] = [
  ...Object.keys(FRAMES) as FrameType[],
  ...["publish", "publish", "publish", "subscribe", "subscribe", "join", "join"] as const,
  ...["commit", "commit", "transact", "seek"] as const,
];

/** Those that may stand without an id. */
const PUSHES: ReadonlySet<FrameType> = new Set(["heartbeat", "publish", "credit", "release"]);

/** A frame of any type but `hello`, which a session has had. Without an id where it needs none. */
export function anyFrame(chance: Chance, id: number): Fields {
  let type = chance.pick(TYPES);
  while (type === "hello") type = chance.pick(TYPES);
  return { type, ...PUSHES.has(type) && chance.chance(0.5) ? {} : { id }, ...FRAMES[type](chance) };
}

export function helloFrame(chance: Chance, id: number): Fields {
  return { type: "hello", id, ...FRAMES.hello(chance) };
}
