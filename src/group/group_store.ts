/**
 * A group's state in the store: a root, which every transition checks and replaces, and the state
 * itself in chunks. Each generation has its own chunks, so that chunks of different states are
 * never read together.
 *
 *     root    JSON: stamp of the write, generation, number of chunks
 *     chunks  the state as JSON, cut anywhere
 */

import { assert } from "../assert.ts";
import { joinBytes } from "../join_bytes.ts";
import { GROUP, STORE } from "../limits.ts";
import { keys } from "../store/keys.ts";
import type { Check, Mutation, Store } from "../store/store.ts";
import type { Evidence } from "../store/transact.ts";
import { decodeState, EMPTY, encodeState, type GroupState } from "./state.ts";

interface Root {
  readonly stamp: string;
  readonly generation: number;
  readonly chunks: number;
}

/** A group as it was read. */
export interface LoadedGroup {
  readonly checks: readonly Check[];
  readonly root: Root | undefined;
  readonly state: GroupState;
  /** The size of the stored state. */
  readonly bytes: number;
}

export async function loadGroup(store: Store, group: string): Promise<LoadedGroup> {
  const key = keys.group(group);
  for (;;) {
    const [entry] = await store.read([key]);
    assert(entry, "a read answers every key");
    const checks = [{ key, version: entry.version }];
    if (!entry.value) return { checks, root: undefined, state: EMPTY, bytes: 0 };
    const root: Root = JSON.parse(new TextDecoder().decode(entry.value));
    const chunks = await store.scan({
      prefix: keys.groupChunks(group, root.generation),
      limit: Math.max(1, root.chunks),
    });
    // The next generation came between the two reads.
    if (chunks.length < root.chunks) continue;
    const bytes = joinBytes(chunks.flatMap(({ value }) => value ?? []));
    return { checks, root, state: decodeState(bytes), bytes: bytes.length };
  }
}

/** How large a join may make the group. A returning instance has more room than others. */
export function mostBytes({ bytes }: LoadedGroup): number {
  const returned = Math.min(bytes + GROUP.returnBytes, GROUP.returnedBytes);
  return Math.max(GROUP.stateBytes, returned, bytes);
}

/** The mutations that replace the group as it was read, and what shows that they were stored. */
export function replaceGroup(
  group: string,
  { root: before }: LoadedGroup,
  state: GroupState,
  stamp: string,
): { mutations: Mutation[]; evidence: Evidence; root: Root; bytes: number } {
  const generation = (before?.generation ?? 0) + 1;
  const bytes = encodeState(state);
  const mutations: Mutation[] = [];
  let chunks = 0;
  for (let at = 0; at < bytes.length; at += STORE.valueBytes) {
    const value = bytes.subarray(at, at + STORE.valueBytes);
    mutations.push({ type: "set", key: keys.groupChunk(group, generation, chunks++), value });
  }
  const root = { stamp, generation, chunks };
  const value = new TextEncoder().encode(JSON.stringify(root));
  mutations.push({ type: "set", key: keys.group(group), value }, ...dropChunks(group, before));
  return { mutations, evidence: evidenceOf(group, stamp), root, bytes: bytes.length };
}

/** The mutations that delete the group's state. */
export function deleteGroup(group: string, { root }: LoadedGroup): Mutation[] {
  return [{ type: "delete", key: keys.group(group) }, ...dropChunks(group, root)];
}

function dropChunks(group: string, root: Root | undefined): Mutation[] {
  return Array.from({ length: root?.chunks ?? 0 }, (_, i) => ({
    type: "delete",
    key: keys.groupChunk(group, root?.generation ?? 0, i),
  }));
}

function evidenceOf(group: string, stamp: string): Evidence {
  return {
    key: keys.group(group),
    holds: (value) => JSON.parse(new TextDecoder().decode(value)).stamp === stamp,
  };
}
