/**
 * A phone in a simulated world, with one application on it that uses the client. When it dies,
 * another takes its place that knows nothing of it.
 */

import type { Client } from "../../src/client/mod.ts";
import { type App, connectFrom, type Fleet } from "./apps.ts";
import { Device } from "./device.ts";
import type { Process } from "./process.ts";
import type { Surroundings, World } from "./world.ts";

/** The user restarts the application, or charges the battery. */
const AWAY_MS = [50, 8_000] as const;

export interface PhoneOptions<A extends App> {
  readonly world: World;
  readonly fleet: Fleet;
  readonly gateway: () => Process | undefined;
  /** Its name in the history; later lives have others. */
  readonly name: string;
  readonly make: (fleet: Fleet, client: Client, name: string) => A;
}

export class Phone<A extends App = App> {
  readonly #options: PhoneOptions<A>;
  #lives = 0;
  device: Device;
  client: Client;
  app: A;

  constructor(options: PhoneOptions<A>) {
    this.#options = options;
    ({ device: this.device, client: this.client, app: this.app } = this.#begin());
  }

  /** `silently`: the gateway is not told. */
  die(silently: boolean): void {
    const { world } = this.#options;
    if (this.device.isDead) return;
    this.device.die(silently);
    this.#giveUp();
    this.app.died();
    world.after(world.between(...AWAY_MS), () => {
      ({ device: this.device, client: this.client, app: this.app } = this.#begin());
      this.app.start();
    });
  }

  /** Whatever its application has asked, it will not hear of. */
  #giveUp(): void {
    const { recorder } = this.#options.fleet;
    const open = new Set<number>();
    for (const event of recorder.events) {
      if (event.process !== this.app.name || event.type === "told") continue;
      if (event.type === "invoke") open.add(event.op);
      else if (event.type !== "terms") open.delete(event.op);
    }
    for (const op of open) recorder.info(this.app.name, op, "the application crashed");
  }

  #begin(): { device: Device; client: Client; app: A } {
    const { world, fleet, gateway, name, make } = this.#options;
    const device = new Device(world, gateway);
    const client = connectFrom(device);
    const { recorder, partitions, fault } = fleet;
    const own = { recorder, partitions, fault, world: new Inside(world, device) };
    const app = make(own, client, this.#lives++ === 0 ? name : `${name}, life ${this.#lives}`);
    return { device, client, app };
  }
}

/** The world as an application sees it, which does nothing more when its phone is dead. */
class Inside implements Surroundings {
  readonly #world: World;
  readonly #device: Device;
  readonly random: () => number;

  constructor(world: World, device: Device) {
    this.#world = world;
    this.#device = device;
    this.random = world.random;
  }

  get now(): number {
    return this.#world.now;
  }

  trace(text: string): void {
    this.#world.trace(text);
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) =>
      this.#world.after(ms, () => {
        if (!this.#device.isDead) resolve();
      })
    );
  }

  chance(probability: number): boolean {
    return this.#world.chance(probability);
  }

  between(min: number, max: number): number {
    return this.#world.between(min, max);
  }

  pick<T>(items: readonly T[]): T {
    return this.#world.pick(items);
  }
}
