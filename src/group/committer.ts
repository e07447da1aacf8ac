/**
 * Offset commits of all local members, as a source of the journal: they share a sync with each
 * other and with appends. A member's commits are carried out in order; those that wait are merged
 * into one, with the highest offset of each partition.
 *
 * 1. A commit is judged when it is written: the member must own the partitions then, and have owned
 *    them ever since the commit came.
 * 2. A committed offset never goes down: a lower one is answered with what is committed. If there
 *    are other gateways, it is still written to the fence, since the member may have lost the
 *    partition there.
 */

import { assert } from "../assert.ts";
import { GatewayError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import { GROUP, LOG } from "../limits.ts";
import type { Rider } from "../log/append.ts";
import type { Part, Room, Source } from "../log/journal.ts";
import type { Bounds } from "../log/section.ts";
import { utf8Bytes } from "../record_size.ts";
import { keys } from "../store/keys.ts";
import type { Mutation, Store } from "../store/store.ts";
import type { Evidence } from "../store/transact.ts";
import type { Offset, Topic } from "../types.ts";
import { groupKeyBytes, offsetsAtOnce } from "./group_keys.ts";
import type { Membership, Owned } from "./membership.ts";
import { encodeCommitted, hasStamp, newStamp } from "./offsets.ts";

export interface OffsetToCommit {
  readonly topic: string;
  readonly partition: number;
  readonly offset: Offset;
  readonly metadata?: string;
}

export type CommitResult =
  | { readonly ok: true; readonly offsets: readonly OffsetToCommit[] }
  | { readonly ok: false; readonly error: GatewayError };

interface Pending {
  /** What the member held when the commit came. */
  readonly held: readonly unknown[];
  /** The number of the last append before it: what that stores may be committed. */
  readonly after: number;
  /** When it came, on the monotonic clock. */
  readonly since: number;
  readonly offsets: readonly OffsetToCommit[];
  readonly done: (result: CommitResult) => void;
  answered: boolean;
}

/** What a committer asks of the log. */
export interface EndingLog {
  known(topic: Topic, partition: number): Bounds | undefined;
  readonly accepted: number;
  settledOrCall(number: number, then: () => void): boolean;
}

/** An offset to write, and the ownership it was judged against: updated once it is stored. */
interface Judged extends OffsetToCommit {
  readonly owned: Owned;
}

/** A member's commits as they are to be written. */
interface Batch {
  readonly membership: Membership;
  readonly pendings: readonly Pending[];
  /** By name of the partition. */
  readonly writes: ReadonlyMap<string, Judged>;
}

const BYTES_PER_OFFSET = 160;

export class Committer implements Source {
  readonly #store: Store;
  readonly #host: Host;
  readonly #log: EndingLog;
  readonly #wake: () => void;
  readonly #waiting = new Map<Membership, Pending[]>();

  constructor(store: Store, host: Host, log: EndingLog, wake: () => void) {
    this.#store = store;
    this.#host = host;
    this.#log = log;
    this.#wake = wake;
  }

  enqueue(
    membership: Membership,
    offsets: readonly OffsetToCommit[],
    done: (result: CommitResult) => void,
  ): void {
    const bytes = bytesOf(offsets);
    const most = offsetsAtOnce(membership.group.name);
    if (bytes > GROUP.commitBytes || offsets.length > most) {
      const inBytes = `${most} of ${GROUP.commitBytes - BYTES_PER_OFFSET} bytes`;
      return done({ ok: false, error: tooLarge("batch", offsets.length, bytes, inBytes) });
    }
    const held = membership.holdings(offsets);
    const since = this.#host.clock.monotonic();
    const pending = { held, after: this.#log.accepted, since, offsets, done, answered: false };
    const waiting = this.#waiting.get(membership);
    if (waiting) waiting.push(pending);
    else this.#waiting.set(membership, [pending]);
    this.#wake();
  }

  take(room: Room): Part | undefined {
    const left = { ...room };
    const batches: Batch[] = [];
    // Each member once: what does not fit is put behind the others, for the next write.
    let membersLeft = this.#waiting.size;
    for (const [membership, pendings] of this.#waiting) {
      if (membersLeft-- === 0 || left.checks < 1) break;
      const gathered = this.#batch(membership, pendings, left);
      if (gathered === "no room") continue;
      const { batch, rest } = gathered;
      this.#waiting.delete(membership);
      if (rest.length > 0) this.#waiting.set(membership, rest);
      if (batch.pendings.length === 0) continue;
      if (batch.writes.size === 0 && !this.#store.shared) {
        answerAll(batch);
        continue;
      }
      batches.push(batch);
      left.checks -= 1;
      left.mutations -= batch.writes.size + 1;
      left.bytes -= bytesOf(batch.writes.values());
      left.keyBytes -= keysOf(batch);
    }
    return batches.length > 0 ? this.#part(batches) : undefined;
  }

  /** Fails commits that have waited for the store too long: never sent, they had no effect. */
  tick(now: number): void {
    for (const [membership, pendings] of this.#waiting) {
      const late = pendings.filter(({ since }) => since + LOG.publishMs <= now);
      if (late.length === 0) continue;
      const rest = pendings.slice(late.length);
      if (rest.length > 0) this.#waiting.set(membership, rest);
      else this.#waiting.delete(membership);
      const error = new GatewayError("unavailable", "The store does not answer");
      for (const pending of late) answer(pending, { ok: false, error });
    }
  }

  /** One commit for a transaction's write. Throws if it may not be made. */
  board(
    membership: Membership,
    offsets: readonly OffsetToCommit[],
    held: readonly unknown[],
  ): Rider {
    const bytes = bytesOf(offsets) + offsets.length * groupKeyBytes(membership.group.name);
    if (bytes > GROUP.riderBytes) {
      const most = `${GROUP.riderBytes - BYTES_PER_OFFSET} bytes`;
      throw tooLarge("transaction", offsets.length, bytes, most);
    }
    const writes = this.#judge(membership, { offsets, held }, new Map());
    const batch = { membership, pendings: [], writes };
    const part = this.#part([batch]);
    return {
      checks: part.checks,
      mutations: part.mutations,
      bytes,
      evidence: part.evidence,
      stored: (version) => void part.stored(version),
      refused: () => part.refused(),
    };
  }

  /** Merges a member's waiting commits. One that may not be made is answered; the rest go on. */
  #batch(
    membership: Membership,
    pendings: readonly Pending[],
    room: Room,
  ): { readonly batch: Batch; readonly rest: Pending[] } | "no room" {
    let writes: Batch["writes"] = new Map();
    const taken: Pending[] = [];
    let at = 0;
    for (; at < pendings.length; at++) {
      const pending = pendings[at] as Pending;
      if (pending.answered) continue;
      try {
        const more = this.#judge(membership, pending, writes);
        if (more.size + 1 > room.mutations || bytesOf(more.values()) > room.bytes) break;
        if (keysOf({ membership, writes: more }) > room.keyBytes) break;
        writes = more;
        taken.push(pending);
      } catch (error) {
        if (!(error instanceof GatewayError)) throw error;
        const isBeyond = error.code === "offset_out_of_range";
        // Appends that came before it may not be stored yet: the log may reach the offset once they
        // are.
        if (isBeyond && !this.#log.settledOrCall(pending.after, this.#wake)) break;
        answer(pending, { ok: false, error });
      }
    }
    const rest = pendings.slice(at);
    if (taken.length === 0 && rest.length > 0) return "no room";
    return { batch: { membership, pendings: taken, writes }, rest };
  }

  /** The offsets to write once these are added. Throws if they may not be committed. */
  #judge(
    membership: Membership,
    { offsets, held }: Pick<Pending, "offsets" | "held">,
    before: Batch["writes"],
  ): Map<string, Judged> {
    membership.requireLive();
    const writes = new Map(before);
    for (const [i, wanted] of offsets.entries()) {
      const { topic, partition, offset } = wanted;
      const owned = membership.owned(topic, partition);
      if (owned !== held[i]) throw lostMeanwhile(topic, partition);
      this.#requireWithin(owned, partition, offset);
      const name = `${topic}/${partition}`;
      const known = writes.get(name) ?? owned.committed;
      const isNews = offset === known?.offset && wanted.metadata !== known.metadata;
      if (offset > (known?.offset ?? -1) || isNews) {
        writes.set(name, { ...wanted, owned });
      }
    }
    return writes;
  }

  #requireWithin(
    { topic, end }: { readonly topic: Topic; readonly end: Offset },
    partition: number,
    offset: Offset,
  ): void {
    const bounds = this.#log.known(topic, partition);
    if (!bounds || offset <= Math.max(bounds.next, end)) return;
    const { start, next } = bounds;
    throw new GatewayError(
      "offset_out_of_range",
      `Cannot commit offset ${offset} of ${topic.name}/${partition}: the log ends at ${next}`,
      { start, next },
    );
  }

  #part(batches: readonly Batch[]): Part {
    const stamp = newStamp(this.#host.random);
    const mutations: Mutation[] = [];
    const checks = batches.map(({ membership, writes }) => {
      const { group, member, fence } = membership;
      const key = keys.fence(group.name, member);
      mutations.push({ type: "set", key, value: stamp });
      for (const { owned, partition, ...committed } of writes.values()) {
        mutations.push({
          type: "set",
          key: keys.offset(group.name, owned.topic.id, partition),
          value: encodeCommitted(stamp, committed),
        });
      }
      return { key, version: fence };
    });
    return {
      checks,
      mutations,
      bytes: batches.reduce((sum, { writes }) => sum + bytesOf(writes.values()), 0),
      evidence: evidenceOf(batches, stamp),
      stored: (version) => {
        for (const { membership, writes } of batches) {
          membership.fencedAt(version);
          for (const { owned, offset, metadata } of writes.values()) {
            owned.committed = metadata === undefined ? { offset } : { offset, metadata };
          }
        }
        return () => batches.forEach(answerAll);
      },
      refused: () => this.#lookAgain(batches),
      overdue: () => {
        const error = new GatewayError("timeout", "The store did not answer in time");
        for (const { pendings } of batches) {
          for (const pending of pendings) answer(pending, { ok: false, error });
        }
      },
    };
  }

  /** A fence has changed, or another part of the write was refused: rereads, and tries again. */
  async #lookAgain(batches: readonly Batch[]): Promise<void> {
    for (const { membership, pendings } of batches) {
      await this.#readFence(membership);
      const later = this.#waiting.get(membership) ?? [];
      if (pendings.length > 0) this.#waiting.set(membership, [...pendings, ...later]);
    }
    this.#wake();
  }

  /**
   * If another gateway changed the fence, it changed the group's state too: the new fence is used
   * only once that state is known.
   */
  async #readFence(membership: Membership): Promise<void> {
    const { group, member, fence } = membership;
    const [found] = await this.#store.read([keys.fence(group.name, member)]);
    // Once the member has gone, this gateway may have dropped the group and loaded it again.
    if (membership.isGone || found?.version === fence) return;
    await group.reload();
    if (found?.version) membership.fencedAt(found.version);
    else membership.fenceGone();
  }
}

/**
 * A key that only this write sets to this stamp. An offset if there is one: others may change a
 * fence before it is checked, but an offset only once its partition was assigned to them.
 */
function evidenceOf(batches: readonly Batch[], stamp: Uint8Array): Evidence {
  const batch = batches.find(({ writes }) => writes.size > 0) ?? batches[0];
  assert(batch, "a part has a batch");
  const { membership: { group, member }, writes } = batch;
  const [first] = writes.values();
  const key = first
    ? keys.offset(group.name, first.owned.topic.id, first.partition)
    : keys.fence(group.name, member);
  return { key, holds: (value) => hasStamp(value, stamp) };
}

/** The partition was taken from the member since the commit came, even if it has it again. */
function lostMeanwhile(topic: string, partition: number): GatewayError {
  return new GatewayError(
    "not_owner",
    `Cannot commit ${topic}/${partition}: it was taken from this member since`,
  );
}

/** Bytes of the keys of a member's offsets and of its fence. */
function keysOf({ membership, writes }: Pick<Batch, "membership" | "writes">): number {
  return (writes.size + 2) * groupKeyBytes(membership.group.name);
}

/** Upper bound of what a member's offsets take in a write, its fence included. */
function bytesOf(offsets: Iterable<OffsetToCommit>): number {
  let bytes = BYTES_PER_OFFSET;
  for (const { metadata = "" } of offsets) bytes += BYTES_PER_OFFSET + utf8Bytes(metadata);
  return bytes;
}

/** The sizes in the message leave out the fence, as the documented limits do. */
function tooLarge(
  what: "batch" | "transaction",
  offsets: number,
  bytes: number,
  most: string,
): GatewayError {
  return new GatewayError(
    `${what}_too_large`,
    `Cannot commit ${offsets} offsets of ${
      bytes - BYTES_PER_OFFSET
    } bytes at once: at most ${most}`,
  );
}

function answerAll({ membership, pendings }: Batch): void {
  for (const pending of pendings) {
    const offsets = pending.offsets.map(({ topic, partition, offset, metadata }) => {
      const committed = committedNow(membership, topic, partition) ??
        (metadata === undefined ? { offset } : { offset, metadata });
      return { topic, partition, ...committed };
    });
    answer(pending, { ok: true, offsets });
  }
}

function committedNow(membership: Membership, topic: string, partition: number) {
  try {
    return membership.owned(topic, partition).committed;
  } catch {
    return undefined; // It was lost since; the member is told of that separately.
  }
}

function answer(pending: Pending, result: CommitResult): void {
  if (pending.answered) return;
  pending.answered = true;
  pending.done(result);
}
