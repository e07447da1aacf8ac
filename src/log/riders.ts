/** The commits that ride in one write with the records of their transactions. */

import { assert } from "../assert.ts";
import { GROUP } from "../limits.ts";
import type { Check, Mutation } from "../store/store.ts";
import type { Evidence } from "../store/transact.ts";
import type { Rider } from "./append.ts";

export class Riders {
  readonly #riders: Rider[] = [];
  #bytes = 0;

  get count(): number {
    return this.#riders.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get checks(): Check[] {
    return this.#riders.flatMap(({ checks }) => checks);
  }

  get mutations(): Mutation[] {
    return this.#riders.flatMap(({ mutations }) => mutations);
  }

  /** What one of them leaves in the store. */
  get evidence(): Evidence {
    const [first] = this.#riders;
    assert(first, "a write has an entry or a rider");
    return first.evidence;
  }

  /** Whether it and the others take no more than one alone may: so much fits beside any records. */
  hasRoomFor({ bytes }: Rider): boolean {
    return this.#bytes + bytes <= GROUP.riderBytes;
  }

  add(rider: Rider): void {
    assert(rider.checks.length <= 1, "there is room for one check of a rider");
    this.#riders.push(rider);
    this.#bytes += rider.bytes;
  }

  stored(version: string): void {
    for (const rider of this.#riders) rider.stored(version);
  }

  refused(): Promise<void>[] {
    return this.#riders.map((rider) => rider.refused());
  }
}
