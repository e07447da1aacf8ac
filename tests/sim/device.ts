/**
 * The client's platform in a simulated world: a phone. Its network is cut, or goes silent without
 * notice; it is frozen, as background pages are, with its timers and messages delayed; and when it
 * wakes, it is told or not.
 */

import type { ClientSocket, Platform, SocketEvents } from "../../src/client/platform.ts";
import { connect, type Socket } from "./network.ts";
import type { Process } from "./process.ts";
import type { World } from "./world.ts";

const CONNECT_MS = 5;

export class Device implements Platform {
  readonly #world: World;
  readonly #gateway: () => Process | undefined;
  readonly #wakes = new Set<() => void>();
  readonly #unloads = new Set<() => void>();
  #line: Line | undefined;
  /** Frozen until this time. */
  #frozenUntil = 0;
  #frozen: (() => void)[] = [];
  #dead = false;

  constructor(world: World, gateway: () => Process | undefined) {
    this.#world = world;
    this.#gateway = gateway;
  }

  get isDead(): boolean {
    return this.#dead;
  }

  now(): number {
    return this.#world.now;
  }

  random(): number {
    return this.#world.random();
  }

  after(ms: number, run: () => void): () => void {
    let cancelled = false;
    const cancel = this.#world.after(ms, () => this.#unlessFrozen(() => cancelled || run()));
    return () => {
      cancelled = true;
      cancel();
    };
  }

  open(_url: string, events: SocketEvents): ClientSocket {
    const line: Line = { dropped: false, silent: false, socket: undefined };
    this.#line = line;
    const told = (tell: () => void) =>
      this.#unlessFrozen(() => {
        if (!line.dropped && !line.silent) tell();
      });
    this.#world.after(CONNECT_MS, () => {
      const gateway = this.#gateway();
      if (line.dropped || this.#dead) return;
      if (!gateway) return told(() => events.closed(1006, ""));
      line.socket = connect(this.#world, gateway, {
        message: (text) => told(() => events.message(text)),
        closed: (code, reason) => told(() => events.closed(code, reason)),
      });
      told(() => events.opened());
    });
    return {
      send(text) {
        if (!line.silent) line.socket?.send(text);
      },
      drop() {
        line.dropped = true;
        if (!line.silent) line.socket?.cut();
      },
    };
  }

  onWake(run: () => void): () => void {
    this.#wakes.add(run);
    return () => this.#wakes.delete(run);
  }

  onUnload(run: () => void): () => void {
    this.#unloads.add(run);
    return () => this.#unloads.delete(run);
  }

  /** The connection breaks, and both ends are told. */
  cut(): void {
    this.#line?.socket?.cut();
  }

  /** Nothing gets through on this connection any more, and neither end is told. */
  silence(): void {
    if (this.#line) this.#line.silent = true;
  }

  /** Nothing runs for a while; what came meanwhile runs afterwards, in order. */
  freeze(ms: number): void {
    this.#frozenUntil = Math.max(this.#frozenUntil, this.#world.now + ms);
    this.#world.after(ms, () => this.#thaw());
  }

  /** The page becomes visible, or the network changes. */
  wake(): void {
    this.#unlessFrozen(() => {
      for (const run of [...this.#wakes]) run();
    });
  }

  /** Its application ends; `silently`: as if its battery died, and its gateway is not told. */
  die(silently: boolean): void {
    this.#dead = true;
    if (!silently) this.cut();
  }

  #unlessFrozen(run: () => void): void {
    if (this.#dead) return;
    if (this.#world.now < this.#frozenUntil || this.#frozen.length > 0) this.#frozen.push(run);
    else run();
  }

  #thaw(): void {
    if (this.#world.now < this.#frozenUntil) return;
    const frozen = this.#frozen;
    this.#frozen = [];
    for (const run of frozen) if (!this.#dead) run();
  }
}

interface Line {
  dropped: boolean;
  silent: boolean;
  socket: Socket | undefined;
}
