/**
 * The frames that a client may send: a table with a schema for each `type`, so that the cost of
 * finding one does not depend on their number. The types of the frames are derived from the
 * schemas. README.md says what each frame means; here is only its syntax.
 *
 * `publish` frames and records arrive by the hundred thousand, and a schema costs several times as
 * much as a check written by hand: their checks are in `publish.ts`, which a property test compares
 * with the schema here, and in `records.ts`. `usual_publish.ts` does both as it reads.
 */

import * as v from "valibot";
import { GROUP, NAMES, TOPIC } from "../limits.ts";
import type { ProducerStamp, RecordIn } from "../types.ts";
import {
  integer,
  isObject,
  key,
  label,
  list,
  members,
  name,
  oneOf,
  set,
  string,
  whole,
} from "./fields.ts";

export const ID_MAX = 2 ** 31 - 1;

const id = integer(1, ID_MAX);

/** A frame that is always answered, so it must have an id. */
function request<const T extends string, const E extends v.ObjectEntries>(type: T, entries: E) {
  return members({ type: v.literal(type), id, ...entries });
}

/** A frame that is answered only if it has an id. */
function push<const T extends string, const E extends v.ObjectEntries>(type: T, entries: E) {
  return members({ type: v.literal(type), id: v.exactOptional(id), ...entries });
}

const topicPartition = members({ topic: name, partition: whole });

const position = { topic: name, partition: whole, offset: whole };

/** Two offsets for the same partition would contradict each other. */
function distinct<const S extends v.GenericSchema<unknown, { topic?: string; partition: number }>>(
  item: S,
  min: number,
  max: number,
) {
  return v.pipe(
    list(item, min, max),
    v.check((given) => {
      const seen = new Set(given.map(({ topic, partition }) => `${topic}/${partition}`));
      return seen.size === given.length;
    }, "must not name a partition twice"),
  );
}

/** Positions by topic and partition, each named once. */
export const positions = distinct(members(position), 0, Infinity);

const credit = members({ records: whole, bytes: v.exactOptional(whole) });

const stamp = members({ id: label, epoch: whole, sequence: whole });

/** Where a subscription begins. */
const from = v.lazy((given) => {
  if (!isObject(given)) return fromEnd;
  return "positions" in given ? fromPositions : fromTime;
});
const fromEnd = v.picklist(
  ["latest", "earliest"],
  'must be "latest", "earliest", {timestamp} or {positions, incarnation}',
);
const fromTime = members({ timestamp: whole });
const fromPositions = members({
  positions: distinct(members({ partition: whole, offset: whole }), 1, TOPIC.partitions),
  incarnation: label,
});

const metadata = v.pipe(
  key,
  v.maxBytes(GROUP.metadataBytes, `must have at most ${GROUP.metadataBytes} bytes in UTF-8`),
);

const offsets = distinct(
  members({ ...position, metadata: v.exactOptional(metadata) }),
  0,
  Infinity,
);

/** Checked further by `records.ts`. */
const records = v.custom<readonly unknown[]>(Array.isArray, "must be an array of records");

const publish = { topic: name, records, producer: v.exactOptional(stamp) };

/** The part of a publish that is the body over HTTP. */
export const publishBody = members({ records, producer: publish.producer });

const sessionTimeout = integer(GROUP.minSessionMs, GROUP.maxSessionMs);

/** Schema of the frames of each type. */
export const FRAMES = {
  hello: request("hello", {
    token: v.exactOptional(string),
    client: v.exactOptional(members({ name: string, version: string })),
  }),
  auth: request("auth", { token: string }),
  heartbeat: push("heartbeat", {}),
  initProducer: request("initProducer", { name: v.exactOptional(label) }),
  publish: push("publish", publish),
  transact: request("transact", {
    publish: list(members(publish), 1, Infinity),
    commit: v.exactOptional(members({ subscription: whole, offsets })),
  }),
  subscribe: v.pipe(
    request("subscribe", {
      topic: name,
      partitions: v.exactOptional(set(whole, 1, TOPIC.partitions)),
      keys: v.exactOptional(set(key, 1, NAMES.keysPerSubscription)),
      from: v.exactOptional(from),
      credit: v.exactOptional(credit),
      onSlow: v.exactOptional(oneOf("block", "drop", "latest")),
    }),
    v.check(
      ({ partitions, from }) => !partitions || !isObject(from) || !("positions" in from),
      "partitions must not stand beside from.positions, which names them",
    ),
  ),
  unsubscribe: request("unsubscribe", { subscription: whole }),
  seek: request("seek", { subscription: whole, partitions: positions }),
  credit: push("credit", {
    subscription: whole,
    records: v.exactOptional(whole),
    bytes: v.exactOptional(whole),
  }),
  join: v.pipe(
    request("join", {
      group: name,
      topics: set(name, 1, NAMES.topicsPerMember),
      instance: v.exactOptional(label),
      client: v.exactOptional(label),
      attempt: v.exactOptional(whole),
      from: v.exactOptional(oneOf("earliest", "latest")),
      credit: v.exactOptional(credit),
      sessionTimeoutMs: v.exactOptional(sessionTimeout),
      revokeTimeoutMs: v.exactOptional(integer(0, GROUP.maxRevokeMs)),
    }),
    v.check(
      ({ instance, sessionTimeoutMs }) => sessionTimeoutMs === undefined || instance !== undefined,
      "sessionTimeoutMs must stand beside an instance: without one a member ends with its socket",
    ),
  ),
  commit: request("commit", { subscription: whole, offsets }),
  leave: request("leave", { subscription: whole }),
  release: push("release", { subscription: whole, partitions: list(topicPartition, 0, Infinity) }),
} as const;

export type FrameType = keyof typeof FRAMES;

/** With its records decoded. */
type Read<Part> = Omit<Part, "records"> & { readonly records: readonly RecordIn[] };

type Checked<T extends FrameType> = v.InferOutput<(typeof FRAMES)[T]>;

/** A publish that is checked, its records included. */
export class PublishFrame {
  readonly type = "publish";
  readonly id: number | undefined;
  readonly topic: string;
  readonly records: readonly RecordIn[];
  readonly producer: ProducerStamp | undefined;

  constructor(
    id: number | undefined,
    topic: string,
    records: readonly RecordIn[],
    producer: ProducerStamp | undefined,
  ) {
    this.id = id;
    this.topic = topic;
    this.records = records;
    this.producer = producer;
  }
}
export type TransactFrame = Omit<Checked<"transact">, "publish"> & {
  readonly publish: readonly Read<Checked<"transact">["publish"][number]>[];
};

/** The frame of a type, as the session receives it. */
export type FrameOf<T extends FrameType> = T extends "publish" ? PublishFrame
  : T extends "transact" ? TransactFrame
  : Readonly<Checked<T>>;

export type ClientFrame = { [T in FrameType]: FrameOf<T> }[FrameType];
