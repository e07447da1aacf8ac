/** What the clients of a simulated world saw, and what must be true of it. */

import type { World } from "./world.ts";

interface Owner {
  readonly consumer: unknown;
  /** How many assignments of the partition there were, with this one. */
  readonly turn: number;
}

export class History {
  readonly #world: World;
  /** `topic/partition/offset` → the value that somebody read, or was told is stored there. */
  readonly #values = new Map<string, string>();
  readonly #acknowledged = new Map<string, string>();
  readonly #committed = new Map<string, number>();
  readonly #owners = new Map<string, Owner>();
  readonly violations: string[] = [];
  publishes = 0;
  commits = 0;
  assignments = 0;

  constructor(world: World) {
    this.#world = world;
  }

  violation(text: string): void {
    this.#world.trace(`VIOLATION ${text}`);
    this.violations.push(text);
  }

  acknowledged(
    topic: string,
    records: readonly Readonly<Record<string, unknown>>[],
    offsets: readonly [number, number][],
  ): void {
    this.publishes++;
    for (const [i, { value }] of records.entries()) {
      const [partition, offset] = offsets[i] ?? [-1, -1];
      const place = `${topic}/${partition}/${offset}`;
      const known = this.#acknowledged.get(String(value));
      if (known !== undefined && known !== place) {
        this.violation(`${value} was acknowledged at ${known} and at ${place}`);
      }
      this.#acknowledged.set(String(value), place);
      this.read(topic, partition, offset, String(value));
    }
    this.#world.trace(`acknowledged ${records.length} of ${topic} at ${offsets.join(" ")}`);
  }

  read(topic: string, partition: number, offset: number, value: string): void {
    const place = `${topic}/${partition}/${offset}`;
    const known = this.#values.get(place);
    if (known !== undefined && known !== value) {
      this.violation(`at ${place} there is ${value}, and there was ${known}`);
    }
    this.#values.set(place, value);
  }

  assigned(consumer: unknown, partition: string, offset: number): void {
    this.assignments++;
    const turn = (this.#owners.get(partition)?.turn ?? 0) + 1;
    this.#owners.set(partition, { consumer, turn });
    const committed = this.#committed.get(partition) ?? 0;
    if (offset < committed) {
      this.violation(`${partition} was assigned at ${offset}, and ${committed} was committed`);
    }
    this.#world.trace(`assigned ${partition} at ${offset}`);
  }

  /** How many assignments the partition has had when a commit is sent. */
  commitBegins(partition: string): number {
    return this.#owners.get(partition)?.turn ?? 0;
  }

  committed(consumer: unknown, partition: string, offset: number, begun: number): void {
    this.commits++;
    const owner = this.#owners.get(partition);
    // One that is not above what is committed changes nothing, and may be answered without a look.
    const counts = offset > (this.#committed.get(partition) ?? 0);
    if (counts && owner && owner.consumer !== consumer && owner.turn === begun) {
      this.violation(`a commit of ${partition} was taken from one that had lost it before`);
    }
    this.#committed.set(partition, Math.max(offset, this.#committed.get(partition) ?? 0));
  }

  /** Holds what is in the log at the end against all that was seen. */
  check(log: ReadonlyMap<string, string>): void {
    const places = new Map<string, string>();
    for (const [place, value] of log) {
      const other = places.get(value);
      if (other !== undefined) this.violation(`${value} is stored at ${other} and at ${place}`);
      places.set(value, place);
    }
    for (const [value, place] of this.#acknowledged) {
      if (log.get(place) !== value) this.violation(`${value} is lost: not at ${place}`);
    }
    for (const [place, value] of this.#values) {
      if (log.get(place) !== value) {
        this.violation(`${value} was seen at ${place}, and is not there`);
      }
    }
  }
}
