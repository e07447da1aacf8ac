/**
 * What a member owns, and how far it is with each partition. Pure. The hard question is what to make
 * of a membership that is taken up again after a loss: a partition that was waited for goes on where
 * the loop is, another may have been in other hands and begins anew.
 */

import type {
  AssignedPartition,
  AssignPush,
  TopicPartition,
  TopicPartitionOffset,
} from "../protocol/gateway_frames.ts";
import { nameOf } from "./commits.ts";

export interface Owned {
  readonly topic: string;
  readonly partition: number;
  readonly incarnation: string;
  /** The group's committed offset when it was assigned: where it began. */
  readonly offset: number;
  /** The next offset to come. */
  next: number;
  /** The next offset to deal with: what to commit. */
  done: number;
  /** The highest offset that was to be committed from here, and the highest that is. */
  asked: number;
  committed: number;
  /** The next offset of the log, as far as is known. */
  end: number;
  /** It is being given up. */
  revoking: boolean;
  /** The loop is behind what the group knows: until the gateway has gone back, what comes is too early. */
  rewinding: boolean;
}

export class Ownership {
  readonly #owned = new Map<string, Owned>();
  /** The group has not said what is owned, or not since the connection was lost. */
  #unsure = true;

  get all(): Owned[] {
    return [...this.#owned.values()];
  }

  /** Whether the group has said what is owned. */
  get isSure(): boolean {
    return !this.#unsure;
  }

  named(name: string): Owned | undefined {
    return this.#owned.get(name);
  }

  find(at: TopicPartition): Owned | undefined {
    return this.#owned.get(nameOf(at));
  }

  /** Those of them that are owned as they were, and stay. */
  still(given: readonly Owned[]): Owned[] {
    return given.filter((owned) => this.find(owned) === owned && !owned.revoking);
  }

  /** Whether all of these are owned as they were. */
  holds(given: readonly (Owned | undefined)[]): boolean {
    return given.every((owned) => owned && this.find(owned) === owned);
  }

  /** This is to be committed. */
  asked(at: TopicPartitionOffset): void {
    const owned = this.find(at);
    if (owned) owned.asked = Math.max(owned.asked, at.offset);
  }

  /** This is committed. */
  committed(at: TopicPartitionOffset): void {
    const owned = this.find(at);
    if (owned) owned.committed = Math.max(owned.committed, at.offset);
  }

  /** The connection is gone. */
  doubt(): void {
    this.#unsure = true;
  }

  /**
   * Takes partitions. Returns those that begin anew, those that go on but are assigned `ahead` of
   * where the loop is (it went back), and those that turn out to be lost.
   */
  assign({ partitions }: AssignPush): { begun: Owned[]; ahead: Owned[]; lost: Owned[] } {
    const lost: Owned[] = [];
    if (this.#unsure) {
      const kept = new Set(partitions.filter((one) => this.#goesOn(one)).map(nameOf));
      lost.push(...this.takeAll((name) => !kept.has(name)));
      this.#unsure = false;
    }
    const begun: Owned[] = [];
    const ahead: Owned[] = [];
    for (const { topic, partition, offset, incarnation } of partitions) {
      const known = this.find({ topic, partition });
      if (known) {
        known.revoking = false;
        known.rewinding = known.next < offset;
        if (known.rewinding) ahead.push(known);
        continue;
      }
      const owned: Owned = {
        topic,
        partition,
        incarnation,
        offset,
        next: offset,
        done: offset,
        asked: offset,
        committed: offset,
        end: offset,
        revoking: false,
        rewinding: false,
      };
      this.#owned.set(nameOf(owned), owned);
      begun.push(owned);
    }
    return { begun, ahead, lost };
  }

  /** Takes these out. */
  take(partitions: readonly TopicPartition[]): Owned[] {
    const names = new Set(partitions.map(nameOf));
    return this.takeAll((name) => names.has(name));
  }

  takeAll(which: (name: string) => boolean = () => true): Owned[] {
    const taken: Owned[] = [];
    for (const [name, owned] of this.#owned) {
      if (!which(name)) continue;
      this.#owned.delete(name);
      taken.push(owned);
    }
    return taken;
  }

  /** Whether nobody else can have been further: then what is here already counts. */
  #goesOn(assigned: AssignedPartition): boolean {
    const known = this.find(assigned);
    if (!known || known.incarnation !== assigned.incarnation) return false;
    // The store was restored from a copy: what came beyond its end is other records from now on.
    if (known.next > (assigned.end ?? Infinity)) return false;
    // What was being taken away is taken when a member comes back; and what waited of it is dropped.
    return !known.revoking && assigned.offset <= Math.max(known.done, known.asked);
  }
}

export function place({ topic, partition }: TopicPartition): TopicPartition {
  return { topic, partition };
}
