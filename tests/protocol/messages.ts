/** Messages for tests: a full frame of every type, and what the decoder makes of a message. */

import { type Decoded, decodeMessage } from "../../src/protocol/codec.ts";
import type { FrameType } from "../../src/protocol/frames.ts";

const position = { topic: "gps", partition: 0, offset: 5 };
const offsets = [{ ...position, metadata: "m" }];
const records = [{
  key: "cab-1",
  value: "AAEC",
  headers: { trace: "1" },
  partition: 3,
  timestamp: 1_211_018_408_000,
  encoding: "base64",
}];
const producer = { id: "01JD3Z6Q1V5N5T9C8W2Y7K4M3P", epoch: 1_732_528_000_000, sequence: 4 };
const credit = { records: 500, bytes: 65_536 };

/** Every member that a frame of the type may have, but for those that exclude each other. */
export const FULL: { readonly [T in FrameType]: Readonly<Record<string, unknown>> } = {
  hello: { token: "t", client: { name: "app", version: "1.0" } },
  auth: { token: "t" },
  heartbeat: {},
  initProducer: { name: "driver 7" },
  publish: { topic: "gps", records, producer },
  transact: {
    publish: [{ topic: "gps", records, producer }],
    commit: { subscription: 1, offsets },
  },
  subscribe: {
    topic: "gps",
    keys: ["cab-1"],
    from: { positions: [{ partition: 0, offset: 5 }], incarnation: "01JD3" },
    credit,
    onSlow: "block",
  },
  unsubscribe: { subscription: 1 },
  seek: { subscription: 1, partitions: [position] },
  credit: { subscription: 1, records: 500, bytes: 65_536 },
  join: {
    group: "surge",
    topics: ["gps"],
    instance: "worker 1",
    from: "latest",
    credit,
    sessionTimeoutMs: 60_000,
    revokeTimeoutMs: 5_000,
  },
  commit: { subscription: 1, offsets },
  leave: { subscription: 1 },
  release: { subscription: 1, partitions: [{ topic: "gps", partition: 0 }] },
};

/** Decodes the message, given as text, as bytes, or as what is to be its JSON. */
export function decode(message: unknown): Decoded[] {
  if (message instanceof Uint8Array) return decodeMessage(message);
  const text = typeof message === "string" ? message : JSON.stringify(message);
  return decodeMessage(new TextEncoder().encode(text));
}

/** The outcome of a message of one frame: `accepted`, or a code. */
export function outcome(message: unknown): string {
  return decode(message).map(({ error }) => error?.code ?? "accepted").join();
}
