/**
 * How many of a group's keys fit into one write. The store limits the bytes of all keys together,
 * and a group's name, which is in each of its keys, may have 200.
 */

import { ADVERTISED, GROUP, STORE } from "../limits.ts";

/** Bytes of the longest of a group's keys besides the group's name: kind, topic, partition. */
const BESIDE_NAME = 48;

/** Upper bound of the size of a key of the group. */
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

/** Commands that a transition may carry out, and partitions it may assign, in one write. */
export function stepsAtOnce(group: string): number {
  const each = Math.floor(0.4 * STORE.keyBytes / groupKeyBytes(group));
  return Math.min(GROUP.stepsAtOnce, each);
}
