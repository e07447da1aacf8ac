/** Tokens of a subject, and what it and others do: made by chance, most of it allowed. */

import fc from "fast-check";

export const TOPICS = ["scoped", "open", "hidden"] as const;
const KEYS = ["me", "me2", "m", "you", "a/b", 'q"\n', ""] as const;

const topic = fc.oneof(
  { weight: 3, arbitrary: fc.constant<string>("scoped") },
  { weight: 2, arbitrary: fc.constant<string>("open") },
  { weight: 1, arbitrary: fc.constant<string>("hidden") },
);
const key = fc.oneof(
  { weight: 2, arbitrary: fc.constant<string>("me") },
  fc.constantFrom<string>(...KEYS),
);
const keys = fc.oneof(
  { weight: 3, arbitrary: fc.constant<string[]>(["me"]) },
  { weight: 2, arbitrary: fc.constant(undefined) },
  fc.uniqueArray(key, { minLength: 1, maxLength: 3 }),
);
const nth = fc.nat(5);
const partition = fc.nat(2);
const offset = fc.nat(6);
const item = fc.record({
  key: fc.option(key, { nil: undefined, freq: 6 }),
  size: fc.nat(200),
  /** Absent: the one that the partitioner gives, or 0 where there is no key. */
  partition: fc.option(partition, { nil: undefined, freq: 1 }),
});
const items = fc.array(item, { minLength: 1, maxLength: 5 });
const topics = fc.oneof(
  { weight: 2, arbitrary: fc.constant<string[]>(["open"]) },
  fc.uniqueArray(topic, { minLength: 1, maxLength: 2 }),
);
const end = fc.constantFrom("latest" as const, "earliest" as const);

export type Item = typeof item extends fc.Arbitrary<infer I> ? I : never;

/** Operations of one kind, and how often they come. */
const kinds = {
  othersPublish: [10, fc.record({ topic, items })],
  subscribe: [
    8,
    fc.record({
      topic,
      keys,
      /** A number: from this offset of all partitions. */
      from: fc.oneof(end, fc.constantFrom("time" as const, "resume" as const), offset),
      credit: fc.constantFrom(0, 1, 3, 500),
      onSlow: fc.constantFrom("block" as const, "drop" as const, "latest" as const),
    }),
  ],
  stream: [4, fc.record({ topic, keys, from: fc.oneof(end, fc.constant("resume" as const)) })],
  seek: [3, fc.record({ nth, offset })],
  credit: [4, fc.record({ nth })],
  unsubscribe: [1, fc.record({ nth })],
  closeStream: [1, fc.record({ nth })],
  publish: [2, fc.record({ topic, items })],
  post: [1, fc.record({ topic, items })],
  transact: [2, fc.record({ topics, items })],
  read: [2, fc.record({ topic, partition, offset })],
  describe: [1, fc.record({ topic })],
  lists: [1, fc.record({})],
  join: [3, fc.record({ topics })],
  othersJoin: [1, fc.record({})],
  commit: [1, fc.record({})],
  leave: [1, fc.record({})],
  heartbeat: [1, fc.record({})],
  reconnect: [1, fc.record({})],
  renew: [3, fc.record({ token: fc.nat(1) })],
  makeAgain: [1, fc.record({ topic, partitions: fc.integer({ min: 1, max: 4 }) })],
} as const;

type Kinds = typeof kinds;

/** The fields of an operation of each kind. */
export type Fields = {
  readonly [Kind in keyof Kinds]: Kinds[Kind][1] extends fc.Arbitrary<infer F> ? F : never;
};

export type Operation = { [Kind in keyof Fields]: readonly [kind: Kind, fields: Fields[Kind]] }[
  keyof Fields
];

const operation = fc.oneof(
  ...Object.entries(kinds).map(([kind, [weight, fields]]) => ({
    weight,
    arbitrary: fc.tuple(fc.constant(kind), fields as fc.Arbitrary<unknown>),
  })),
) as fc.Arbitrary<Operation>;

export const operations: fc.Arbitrary<Operation[]> = fc.array(operation, {
  maxLength: 30,
  size: "max",
});

const pattern = fc.constantFrom(
  "scoped/{sub}",
  "scoped/{sub}*",
  "scoped/you",
  "scoped/a/b",
  "s*/m*",
  "*/{sub}",
  "open",
  "open/{sub}",
  "o*",
);
const patterns = fc.array(pattern, { maxLength: 3 });

const rest = { publish: patterns, groups: fc.constantFrom([], ["g"], ["g*"]) };
const first = fc.constantFrom("scoped/{sub}", "scoped/{sub}*", "*/{sub}");

/** The one that it begins with, and one that it renews it with, which may allow less. */
export const tokens = fc.tuple(
  fc.record({
    subscribe: fc.tuple(first, patterns).map(([one, more]) => [one, ...more]),
    ...rest,
  }),
  fc.record({ subscribe: patterns, ...rest }),
);
