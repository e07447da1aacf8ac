/**
 * The commits of one consumer: pending ones, at most one offset per partition, and those in flight.
 * Offsets only rise and may be committed twice, so what is unanswered when the connection is lost
 * is sent again. Pure: sends through `CommitsPort`.
 */

import type { Effect } from "../errors.ts";
import type { ErrorFrame, OkFrame, TopicPartitionOffset } from "../protocol/gateway_frames.ts";
import { errorOf, isPassing, notOwner, type WeirError } from "./errors.ts";

/**
 * An offset to commit: that of the next record to read.
 *
 * ```ts
 * for await (const { topic, partition, next } of consumer.batches()) {
 *   await consumer.commit([{ topic, partition, offset: next, metadata: "uploaded" }]);
 *   break;
 * }
 * ```
 */
export interface OffsetToCommit extends TopicPartitionOffset {
  /** A note that is stored with the offset; at most 4 KiB. */
  readonly metadata?: string;
}

interface Waiter {
  left: number;
  /** The commit may have happened: an attempt was not answered. */
  inDoubt: boolean;
  readonly resolve: () => void;
  readonly reject: (error: WeirError) => void;
}

interface Entry {
  readonly at: OffsetToCommit;
  /** The ownership under which the records were processed: under a later one it is void. */
  readonly ownership: unknown;
  readonly waiters: readonly Waiter[];
}

type Entries = Map<string, Entry>;

export interface CommitsPort {
  /** Sends a commit. `onReply` is not called if the connection is lost. */
  send(
    offsets: readonly OffsetToCommit[],
    onReply: (reply: OkFrame | ErrorFrame) => void,
  ): void;
  /** Identifies our ownership of the partition: a new value each time it is assigned to us. */
  ownership(name: string): unknown;
  /** Called when this is committed. */
  committed(at: TopicPartitionOffset): void;
  /** Calls `flush` after a while: the gateway has refused a commit temporarily. */
  later(): void;
}

/** The most offsets in one commit: section 8 of the protocol. */
const OFFSETS_MAX = 300;
/** The most characters of metadata in one commit, far below the size limit of a message. */
const METADATA_MAX = 64_000;

export class Commits {
  readonly #port: CommitsPort;
  #pending: Entries = new Map();
  readonly #sent = new Set<Entries>();

  constructor(port: CommitsPort) {
    this.#port = port;
  }

  /** Commits these with the next `flush`. Resolves once they are committed. */
  add(offsets: readonly OffsetToCommit[]): Promise<void> {
    return new Promise((resolve, reject) => {
      if (offsets.length === 0) return resolve();
      const waiter: Waiter = { left: offsets.length, inDoubt: false, resolve, reject };
      for (const at of offsets) this.#put(this.#entry(at, [waiter]));
    });
  }

  /**
   * Like `add`, but nobody waits. A commit that goes as far is kept: it may have metadata, and this
   * one has none.
   */
  note(at: TopicPartitionOffset): void {
    const entry = this.#entry(at, []);
    const goesAsFar = (entries: Entries) => {
      const known = entries.get(nameOf(at));
      return known && known.ownership === entry.ownership && known.at.offset >= at.offset;
    };
    if (![this.#pending, ...this.#sent].some(goesAsFar)) this.#put(entry);
  }

  /** Sends what is pending. */
  flush(): void {
    for (const [name, entry] of this.#pending) {
      if (this.#port.ownership(name) !== entry.ownership) this.forget(name);
    }
    while (this.#pending.size > 0) {
      this.#dispatch(this.#take());
    }
  }

  /** The partition belongs to another member: refuses its pending commit. */
  forget(name: string): void {
    const entry = this.#pending.get(name);
    this.#pending.delete(name);
    if (entry) refuse(entry, notOwner(`commit ${name}`));
  }

  /** A transaction has committed up to this offset. */
  reached(name: string, offset: number): void {
    const entry = this.#pending.get(name);
    if (!entry || entry.at.offset > offset) return;
    this.#pending.delete(name);
    this.#grant(entry);
  }

  /** The connection was lost: what was in flight is pending again. */
  lost(): void {
    const sent = [...this.#sent].reverse();
    this.#sent.clear();
    for (const batch of sent) this.#again(batch, "unknown");
  }

  /** Ends it: refuses all that is not committed. */
  end(error: WeirError): void {
    this.lost();
    for (const entry of this.#pending.values()) refuse(entry, error);
    this.#pending.clear();
  }

  #entry(at: OffsetToCommit, waiters: readonly Waiter[]): Entry {
    return { at, ownership: this.#port.ownership(nameOf(at)), waiters };
  }

  #put({ at, ownership, waiters }: Entry): void {
    const name = nameOf(at);
    if (this.#pending.get(name)?.ownership !== ownership) this.forget(name);
    const known = this.#pending.get(name);
    const highest = known && known.at.offset > at.offset ? known.at : at;
    this.#pending.set(name, {
      at: highest,
      ownership,
      waiters: known ? [...known.waiters, ...waiters] : waiters,
    });
  }

  /** Takes as many pending ones as one commit may have. */
  #take(): Entries {
    const batch: Entries = new Map();
    let characters = 0;
    for (const [name, entry] of this.#pending) {
      characters += entry.at.metadata?.length ?? 0;
      if (batch.size > 0 && (batch.size === OFFSETS_MAX || characters > METADATA_MAX)) break;
      batch.set(name, entry);
      this.#pending.delete(name);
    }
    return batch;
  }

  #dispatch(batch: Entries): void {
    this.#sent.add(batch);
    this.#port.send([...batch.values()].map(({ at }) => at), (reply) => {
      this.#sent.delete(batch);
      if (reply.type === "ok") batch.forEach((entry) => this.#grant(entry));
      else this.#refused(batch, reply);
    });
  }

  /**
   * Makes a batch pending again, before what is pending already. Partitions that were lost
   * meanwhile are refused, even if they are owned again.
   */
  #again(batch: Entries, effect: Effect): void {
    const newer = this.#pending;
    this.#pending = new Map();
    for (const [name, entry] of batch) {
      for (const waiter of entry.waiters) waiter.inDoubt ||= effect === "unknown";
      if (this.#port.ownership(name) === entry.ownership) this.#put(entry);
      else refuse(entry, notOwner(`commit ${name}`));
    }
    newer.forEach((entry) => this.#put(entry));
  }

  #grant({ at, waiters }: Entry): void {
    this.#port.committed(at);
    for (const waiter of waiters) if (--waiter.left === 0) waiter.resolve();
  }

  /** A commit succeeds or fails as a whole: if one of several failed, each is tried by itself. */
  #refused(batch: Entries, reply: ErrorFrame): void {
    if (isPassing(reply)) {
      this.#again(batch, reply.effect);
      this.#port.later();
    } else {
      const error = errorOf(reply);
      for (const [name, entry] of batch) {
        const isOurs = this.#port.ownership(name) === entry.ownership;
        if (batch.size > 1 && isOurs) this.#dispatch(new Map([[name, entry]]));
        else refuse(entry, error);
      }
    }
  }
}

export function nameOf({ topic, partition }: { topic: string; partition: number }): string {
  return `${topic}/${partition}`;
}

function refuse({ waiters }: Entry, error: WeirError): void {
  for (const { inDoubt, reject } of waiters) reject(inDoubt ? error.inDoubt() : error);
}
