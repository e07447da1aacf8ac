/**
 * How many of a group's keys one write takes: the store bounds the bytes of all keys together, and a
 * group's name, which is in each of them, may have two hundred.
 */

import { ADVERTISED, GROUP, STORE } from "../limits.ts";

/** What the longest of a group's keys takes beside the group's name: kind, topic, partition. */
const BESIDE_NAME = 48;

/** What a key of the group takes, at most. */
export function groupKeyBytes(group: string): number {
  return group.length + BESIDE_NAME;
}

/** Offsets of the group that a write may set or delete by itself. */
export function offsetsAtOnce(group: string): number {
  return Math.min(
    ADVERTISED.commitOffsets,
    Math.floor(0.9 * STORE.keyBytes / groupKeyBytes(group)),
  );
}

/** Commands that a transition may carry out, and partitions that it may give: both are in one write. */
export function stepsAtOnce(group: string): number {
  const each = Math.floor(0.4 * STORE.keyBytes / groupKeyBytes(group));
  return Math.min(GROUP.stepsAtOnce, each);
}
