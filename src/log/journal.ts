/**
 * The one writer of a gateway: what many sources want stored goes into one atomic write, and the
 * next write begins as soon as the last one is settled (group commit, as databases call it). So the
 * latency is one sync when idle, and writes grow under load by themselves.
 */

import type { Check, Mutation } from "../store/store.ts";
import type { Evidence } from "../store/transact.ts";

/** What a part may still add to a write. */
export interface Room {
  checks: number;
  mutations: number;
  bytes: number;
}

/** What one source adds to a write. It stands or falls with the whole write. */
export interface Part {
  readonly checks: readonly Check[];
  readonly mutations: readonly Mutation[];
  /** Bytes of keys and values. */
  readonly bytes: number;
  /** Where it can be seen that this part, and so the whole write, was stored. */
  readonly evidence: Evidence;
  /**
   * It is durable: applies it to what is in memory, and returns what then tells others, which is
   * called when the next write is under way.
   */
  stored(version: string): () => void;
  /** It was not stored and never will be: reads again what it must, and puts its work back. */
  refused(): Promise<void>;
  /** Its outcome is not known in time (`stored` or `refused` may still come): answers `timeout`. */
  overdue(): void;
}

export interface Source {
  /** What is waiting, as far as there is room; undefined if nothing is, or nothing fits. */
  take(room: Room): Part | undefined;
}
