/**
 * A gateway's process in a simulated world: it may die, be paused while everything sent to it
 * waits, be cut off from its store, or have a wrong wall clock.
 */

import type { Gateway } from "../../src/gateway.ts";
import type { Socket } from "./network.ts";
import type { Inhabitant, World } from "./world.ts";

/** Between two things that waited for a paused process, so that each is handled before the next. */
const STEP_MS = 0.001;

/** A pause: how long it takes, and how long the process had run when it began. */
interface Pause {
  readonly ms: number;
  readonly ranMs: number;
}

export class Process implements Inhabitant {
  readonly #world: World;
  #gateway: Gateway | undefined;
  #held: (() => void)[] = [];
  #pausedUntil = 0;
  readonly #pauses: Pause[] = [];
  /** How long its monotonic clock stands still in the pause that is going on. */
  #sleptMs = 0;
  wallClockErrorMs = 0;
  stoodStillMs = 0;
  dead = false;
  draining = false;
  /** Until then nothing gets through to the store. */
  cutUntil = 0;
  /** The connections to it. */
  readonly sockets = new Set<Socket>();

  constructor(world: World) {
    this.#world = world;
  }

  /** The gateway in it; set once, when it starts. */
  set gateway(gateway: Gateway) {
    this.#gateway = gateway;
  }

  get gateway(): Gateway {
    return this.#gateway as Gateway;
  }

  get isPaused(): boolean {
    return this.#world.now < this.#pausedUntil;
  }

  /** How long it was paused while it ran its last `lastMs`. */
  pausedMs(lastMs: number): number {
    const since = this.#ranMs - lastMs;
    return sum(this.#pauses.filter(({ ranMs }) => ranMs >= since));
  }

  get isCut(): boolean {
    return this.#world.now < this.cutUntil;
  }

  /** Runs this when the process may run; never, if it dies before. */
  act(run: () => void): void {
    if (this.dead) return;
    if (this.isPaused || this.#held.length > 0) this.#held.push(run);
    else run();
  }

  /**
   * It stops for so long. `asleep`: so does its monotonic clock, as when a machine is suspended.
   */
  pause(ms: number, asleep: boolean): void {
    this.#pauses.push({ ms, ranMs: this.#ranMs });
    this.#pausedUntil = this.#world.now + ms;
    this.#sleptMs = asleep ? ms : 0;
    this.#world.after(ms, () => this.#goOn());
  }

  /** The time of the world without its pauses; read while it is not paused. */
  get #ranMs(): number {
    return this.#world.now - sum(this.#pauses);
  }

  #goOn(): void {
    this.stoodStillMs += this.#sleptMs;
    this.#sleptMs = 0;
    this.#step();
  }

  #step(): void {
    if (this.dead) return;
    this.#held[0]?.();
    this.#held.shift();
    if (this.#held.length > 0) this.#world.after(STEP_MS, () => this.#step());
  }
}

function sum(pauses: readonly Pause[]): number {
  return pauses.reduce((sum, { ms }) => sum + ms, 0);
}
