/** What is asked of the log, and what it answers: one publish, or one transaction of several. */

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

/** What a transaction adds to its write beside records: the commit of a group's member. */
export interface Rider {
  readonly checks: readonly Check[];
  readonly mutations: readonly Mutation[];
  readonly bytes: number;
  readonly evidence: Evidence;
  /** It is durable. */
  stored(version: string): void;
  /** It was not stored: reads again what it must, since `board` will be called once more. */
  refused(): Promise<void>;
}

export interface Append {
  /** All of them are stored in one write, or none. */
  readonly parts: readonly AppendPart[];
  /** Called when the write is put together. Throws a `GatewayError` if it may not be. */
  readonly board?: () => Rider;
  /** Called once, at once or later. */
  done(result: AppendResult): void;
}

export type AppendResult =
  | { readonly ok: true; readonly offsets: readonly Place[][]; readonly duplicate: boolean }
  | { readonly ok: false; readonly error: GatewayError };

/** A stripe with so many entries. */
export interface StripePlace {
  readonly topicId: string;
  readonly stripe: number;
  readonly entries: number;
}
