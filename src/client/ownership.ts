/**
 * The partitions that a member owns, and how far it is in each. Pure. The hard part is a rejoin
 * after a lost connection: a partition that was kept for the member continues where the loop is;
 * one that other members may have owned meanwhile begins anew.
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
  /** The offset at which it began: the group's committed offset when it was assigned. */
  readonly offset: number;
  /** The next offset to receive. */
  next: number;
  /** The next offset to process, which is the one to commit. */
  done: number;
  /** The highest offset that this member has asked to commit, and the highest that is committed. */
  asked: number;
  committed: number;
  /** The end of the log, as far as it is known. */
  end: number;
  /** It is revoked, but not yet given up. */
  revoking: boolean;
  /**
   * The loop is behind the assigned offset: until the gateway has sought back, pushes are dropped.
   */
  rewinding: boolean;
}

export class Ownership {
  readonly #owned = new Map<string, Owned>();
  /** No assignment was received yet, or none since the connection was lost. */
  #unsure = true;

  get all(): Owned[] {
    return [...this.#owned.values()];
  }

  /** Whether an assignment was received since the connection was last lost. */
  get isSure(): boolean {
    return !this.#unsure;
  }

  named(name: string): Owned | undefined {
    return this.#owned.get(name);
  }

  find(at: TopicPartition): Owned | undefined {
    return this.#owned.get(nameOf(at));
  }

  /** Those of them that are still owned and not being revoked. */
  still(given: readonly Owned[]): Owned[] {
    return given.filter((owned) => this.find(owned) === owned && !owned.revoking);
  }

  /** Whether all of these are still owned. If one was lost and assigned again, it is another. */
  holds(given: readonly (Owned | undefined)[]): boolean {
    return given.every((owned) => owned && this.find(owned) === owned);
  }

  /** A commit of this offset is requested. */
  asked(at: TopicPartitionOffset): void {
    const owned = this.find(at);
    if (owned) owned.asked = Math.max(owned.asked, at.offset);
  }

  /** This offset is committed. */
  committed(at: TopicPartitionOffset): void {
    const owned = this.find(at);
    if (owned) owned.committed = Math.max(owned.committed, at.offset);
  }

  /** The connection was lost: the next assignment says what is still owned. */
  doubt(): void {
    this.#unsure = true;
  }

  /**
   * Applies an assignment. Returns the partitions that begin anew, those that continue but were
   * assigned at an offset `ahead` of the loop (which had sought back), and those that are lost.
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

  /** Removes and returns these. */
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

  /** Whether a partition continues: nobody else can have processed beyond what is here. */
  #goesOn(assigned: AssignedPartition): boolean {
    const known = this.find(assigned);
    if (!known || known.incarnation !== assigned.incarnation) return false;
    // The store was restored from a backup: offsets beyond its end will be other records.
    if (known.next > (assigned.end ?? Infinity)) return false;
    // A partition that was being revoked begins anew, since what waited of it was dropped.
    return !known.revoking && assigned.offset <= Math.max(known.done, known.asked);
  }
}

export function place({ topic, partition }: TopicPartition): TopicPartition {
  return { topic, partition };
}
