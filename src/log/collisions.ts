/**
 * Which publishes may not share a batch. A publish is judged against what is stored, so if the
 * batch has one of its producer with the same or a higher sequence, it is deferred to the next
 * batch.
 */

import type { Pending } from "./pending.ts";
import type { TopicLog } from "./topic_log.ts";

interface Stamped {
  readonly epoch: number;
  readonly lowest: number;
  highest: number;
  hasHoles: boolean;
}

/** The producers of a batch, and which of their sequences it has. */
export class Stamps {
  readonly #producers = new Map<string, Stamped>();

  add({ parts }: Pending): void {
    for (const { append: { producer } } of parts) {
      if (!producer) continue;
      const { id, epoch, sequence } = producer;
      const known = this.#producers.get(id);
      if (known) {
        known.hasHoles ||= sequence !== known.highest + 1;
        known.highest = sequence;
      } else {
        this.#producers.set(id, { epoch, lowest: sequence, highest: sequence, hasHoles: false });
      }
    }
  }

  /** Whether it must be deferred: as a repeat of what is in the batch, or for another reason. */
  collision({ parts }: Pending): "repeat" | "other" | undefined {
    let found: "repeat" | undefined;
    for (const { append: { producer } } of parts) {
      const known = producer && this.#producers.get(producer.id);
      if (!known) continue;
      const { epoch, lowest, highest, hasHoles } = known;
      if (epoch !== producer.epoch) return "other";
      if (producer.sequence > highest) continue;
      if (hasHoles || producer.sequence < lowest) return "other";
      found = "repeat";
    }
    return found;
  }
}

/**
 * What is deferred to the next batch. Nothing of the same producer or partition may overtake it.
 * Repeats hold up nothing: they have their offsets already, or never get any.
 */
export class Deferred {
  readonly pendings: Pending[] = [];
  readonly #producers = new Set<string>();
  readonly #partitions = new Map<TopicLog, Set<number>>();

  addRepeat(pending: Pending): void {
    this.pendings.push(pending);
  }

  add(pending: Pending): void {
    this.pendings.push(pending);
    for (const { append: { producer }, log, partitions } of pending.parts) {
      if (producer) this.#producers.add(producer.id);
      const deferred = this.#partitions.get(log) ?? new Set();
      this.#partitions.set(log, deferred);
      for (const partition of partitions) deferred.add(partition);
    }
  }

  isInFrontOf({ parts }: Pending): boolean {
    if (this.#partitions.size === 0) return false;
    return parts.some(({ append: { producer }, log, partitions }) => {
      if (producer && this.#producers.has(producer.id)) return true;
      const deferred = this.#partitions.get(log);
      return deferred !== undefined && partitions.some((partition) => deferred.has(partition));
    });
  }
}
