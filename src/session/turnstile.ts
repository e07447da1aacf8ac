/**
 * Keeps the order of a session's frames where it matters: a fair read-write lock for each key (a
 * topic, a subscription). Publishes share a topic, since the log keeps their order itself; what
 * must see all of them, or must be seen by all, holds it alone.
 *
 *     publish, publish, subscribe, publish      the subscribe starts behind the first two, which
 *     ╰──── share ────╯ ╰ alone ─╯ ╰ shares     are answered, and the last publish waits for it
 *
 * A passage is queued at all of its keys at once, so there is no deadlock.
 */

import { assert } from "../assert.ts";
import { LazyMap } from "../lazy_map.ts";

/** A topic, by its name, or a subscription, by its number. */
export type GateKey = string | number;

/** The keys that a frame shares, and those that it holds alone. */
export interface Passage {
  readonly shared?: readonly GateKey[];
  readonly alone?: readonly GateKey[];
}

interface Waiting {
  readonly alone: boolean;
  granted(): void;
}

class Gate {
  sharing = 0;
  taken = false;
  readonly queue: Waiting[] = [];
  #advancing = false;

  get idle(): boolean {
    return this.sharing === 0 && !this.taken && this.queue.length === 0;
  }

  /** Lets in the next ones, as far as possible; in a loop, since each may leave at once. */
  advance(): void {
    if (this.#advancing) return;
    this.#advancing = true;
    try {
      for (let next = this.queue[0]; next && !this.taken; next = this.queue[0]) {
        if (next.alone && this.sharing > 0) return;
        this.queue.shift();
        if (next.alone) this.taken = true;
        else this.sharing++;
        next.granted();
      }
    } finally {
      this.#advancing = false;
    }
  }
}

/** Beyond this number, unused gates are dropped. */
const GATES = 1_024;

export class Turnstile {
  readonly #gates = new LazyMap<Gate, GateKey>({
    crowded: GATES,
    make: () => new Gate(),
    isAsNew: (gate) => gate.idle,
  });

  /** Shares the key if nobody holds it alone or waits for it; then `unshare` must follow. */
  share(key: GateKey): boolean {
    const gate = this.#gates.getOrMake(key);
    if (gate.taken || gate.queue.length > 0) return false;
    gate.sharing++;
    return true;
  }

  unshare(key: GateKey): void {
    const gate = this.#gates.get(key);
    assert(gate && gate.sharing > 0, "who leaves a gate has shared it");
    gate.sharing--;
    if (gate.queue.length > 0) gate.advance();
  }

  /** Runs it when its turn has come, now or later; it must call `leave` once when it is done. */
  pass({ shared = [], alone = [] }: Passage, run: (leave: () => void) => void): void {
    const own = new Set(alone);
    const others = new Set(shared.filter((key) => !own.has(key)));
    let left = own.size + others.size;
    const leave = () => {
      for (const key of others) this.unshare(key);
      for (const key of own) this.#giveBack(key);
    };
    const granted = () => {
      if (--left === 0) run(leave);
    };
    if (left === 0) return run(leave);
    const entries = [
      ...[...own].map((key) => [key, true] as const),
      ...[...others].map((key) => [key, false] as const),
    ];
    for (const [key, alone] of entries) this.#gates.getOrMake(key).queue.push({ alone, granted });
    for (const [key] of entries) this.#gates.get(key)?.advance();
  }

  #giveBack(key: GateKey): void {
    const gate = this.#gates.get(key);
    assert(gate?.taken, "who gives a gate back has had it");
    gate.taken = false;
    gate.advance();
  }
}
