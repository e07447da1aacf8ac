/** Publishes in the made-up world, and retries what has an unknown outcome. */

import type { ProducerStamp } from "../history.ts";
import { Connection, type Outcome } from "./connection.ts";
import type { Routed } from "./store.ts";
import type { Surroundings } from "./surroundings.ts";

export interface PublisherOptions {
  readonly name: string;
  readonly topics: readonly string[];
  /** With a producer, so that what is retried is stored once. */
  readonly idempotent: boolean;
  readonly paceMs: number;
}

export class Publisher {
  readonly #world: Surroundings;
  readonly #options: PublisherOptions;
  #connection: Connection;
  #epoch = 1;
  #sequence = 0;
  #value = 0;
  /** Unanswered, or with an unknown outcome. */
  #open: readonly Routed[] | undefined;
  #isUnderWay = false;

  constructor(world: Surroundings, options: PublisherOptions) {
    this.#world = world;
    this.#options = options;
    this.#connection = new Connection(world, options.name);
  }

  start(): void {
    const { timeline, chance } = this.#world;
    timeline.after(chance.between(0.1, 2 * this.#options.paceMs), () => {
      this.#act();
      this.start();
    });
  }

  cut(): void {
    this.#connection.cut();
    this.#connection = new Connection(this.#world, this.#options.name);
  }

  #act(): void {
    const { chance, isHealed } = this.#world;
    if (this.#isUnderWay) return;
    if (!isHealed() && this.#options.idempotent && chance.chance(0.02)) this.#begin();
    if (!this.#open && isHealed()) return;
    const sends = this.#open ??= this.#make();
    this.#isUnderWay = true;
    const asked = { f: "send", sends: sends.map(({ partitions: _, ...send }) => send) } as const;
    this.#connection.request(asked, () => this.#carryOut(sends), (outcome) => {
      this.#isUnderWay = false;
      this.#answered(outcome);
    });
  }

  /**
   * Like a new program with the same name: what was open is abandoned, and fenced if there is a
   * producer.
   */
  #begin(): void {
    this.#epoch++;
    this.#sequence = 0;
    this.#open = undefined;
  }

  #make(): readonly Routed[] {
    const { chance } = this.#world;
    const { topics } = this.#options;
    if (chance.chance(0.85) || topics.length < 2) return [this.#part(chance.pick(topics))];
    return topics.slice(0, 2).map((topic) => this.#part(topic));
  }

  #part(topic: string): Routed {
    const { chance, store } = this.#world;
    const { name, idempotent } = this.#options;
    const count = 1 + Math.floor(chance.random() * 3);
    const choices = store.topic(topic).partitions.length;
    const partitions = Array.from(
      { length: count },
      () => Math.floor(chance.random() * choices),
    );
    const values = partitions.map(() => `${name}.${this.#value++}`);
    if (!idempotent) return { topic, values, partitions };
    const producer: ProducerStamp = { id: name, epoch: this.#epoch, sequence: this.#sequence++ };
    return { topic, values, partitions, producer };
  }

  #carryOut(sends: readonly Routed[]): Outcome {
    const { chance, store, timeline, isHealed } = this.#world;
    const luck = isHealed() ? 1 : chance.random();
    if (luck < 0.03) return { type: "fail", error: "unavailable" };
    if (luck < 0.1) {
      // It happens now, later, or never: the gateway does not know.
      if (luck < 0.05) store.append(sends);
      else if (luck < 0.07) timeline.after(chance.between(1, 50), () => store.append(sends));
      return { type: "info", error: "timeout" };
    }
    const appended = store.append(sends);
    if (!appended) return { type: "fail", error: "producer_fenced" };
    const { places, duplicate } = appended;
    return { type: "ok", places, ...(duplicate ? { duplicate } : {}) };
  }

  #answered({ type }: Outcome): void {
    const { chance } = this.#world;
    const { idempotent } = this.#options;
    if (type === "ok") this.#open = undefined;
    else if (idempotent) { if (type === "fail" && chance.chance(0.3)) this.#begin(); }
    else if (chance.chance(0.7)) this.#open = undefined;
  }
}
