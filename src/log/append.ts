/** Requests to append to the log, and their results: one publish, or a transaction of several. */

import type { GatewayError } from "../errors.ts";
import type { Check, Mutation } from "../store/store.ts";
import type { Evidence } from "../store/transact.ts";
import type { Place, ProducerStamp, RecordIn, Topic } from "../types.ts";
import type { Admission } from "./lane.ts";

export interface AppendPart {
  readonly topic: Topic;
  readonly records: readonly RecordIn[];
  readonly producer?: ProducerStamp | undefined;
  /** Comes with `producer`. */
  readonly admission?: Admission | undefined;
}

/** What a transaction writes besides records: the commit of a group member. */
export interface Rider {
  /** One check at most: so many riders have room in a write. */
  readonly checks: readonly Check[];
  readonly mutations: readonly Mutation[];
  /** Upper bound of its keys and values; at most `GROUP.riderBytes`. */
  readonly bytes: number;
  readonly evidence: Evidence;
  /** It is durable. */
  stored(version: string): void;
  /** It was not stored: rereads what it needs, since `board` will be called again. */
  refused(): Promise<void>;
}

export interface Append {
  /** Stored in one write, all or none. */
  readonly parts: readonly AppendPart[];
  /** Called when the write is assembled. Throws a `GatewayError` to refuse it. */
  readonly board?: () => Rider;
  /** Called exactly once, synchronously or later. */
  done(result: AppendResult): void;
}

export type AppendResult =
  | { readonly ok: true; readonly offsets: readonly Place[][]; readonly duplicate: boolean }
  | { readonly ok: false; readonly error: GatewayError };

/** An append that has come to the log. */
export interface Arrived {
  readonly append: Append;
  /** See `unanswered.ts`. */
  readonly number: number;
  /** When it came, on the monotonic clock. */
  readonly since: number;
}

/** How many entries a stripe has. */
export interface StripePlace {
  readonly topicId: string;
  readonly stripe: number;
  readonly entries: number;
}
