/**
 * A world with virtual time and seeded randomness: everything that happens is an event in one
 * queue, ordered by time, and among equal times by the seed. After each event all promises settle
 * before the next, so the same seed gives the same run, event for event.
 *
 * Only pure JavaScript may run in it: promises of the platform (files, WebCrypto) settle after an
 * unpredictable number of turns.
 */

import { Chance } from "../support/chance.ts";
import { settled } from "../support/test_host.ts";
import type { Host } from "../../src/host/host.ts";

interface Event {
  readonly at: number;
  /** Orders events of the same time. */
  readonly rank: number;
  readonly order: number;
  readonly run: () => void;
}

/** Of a line of the trace. */
const SHOWN_CHARACTERS = 240;
/** The wall clock at the start of a world. */
const EPOCH_MS = 1_764_000_000_000;

/** The shortest time that passes. */
const STEP_MS = 0.001;

/** What applications need of the world that they run in, simulated or real. */
export interface Surroundings extends Chance {
  /** Milliseconds since its start. */
  readonly now: number;
  trace(text: string): void;
  sleep(ms: number): Promise<void>;
}

/** Whatever has a host in a world: it can act at times, and has clocks of its own. */
export interface Inhabitant {
  /** Runs this when it may run, or never. */
  act(run: () => void): void;
  /** By how much its wall clock is ahead. */
  readonly wallClockErrorMs: number;
  /** For how long its monotonic clock stood still. */
  readonly stoodStillMs: number;
}

/** One that can always act, with correct clocks and a link that is never cut. */
export const AWAKE = {
  act: (run: () => void): void => run(),
  wallClockErrorMs: 0,
  stoodStillMs: 0,
  isCut: false,
};

export class World extends Chance implements Surroundings {
  readonly #heap: Event[] = [];
  #now = 0;
  #order = 0;
  #hash = 0x811c9dc5;
  #trace: string[] = [];

  /** Virtual milliseconds since the world began. */
  get now(): number {
    return this.#now;
  }

  /** A hash of everything that was traced so far: equal runs have equal ones. */
  get hash(): number {
    return this.#hash;
  }

  /** The latest lines of the trace. */
  get recent(): readonly string[] {
    return this.#trace.slice(-40).map((line) => line.slice(0, SHOWN_CHARACTERS));
  }

  trace(text: string): void {
    const line = `${this.#now.toFixed(1)} ${text}`;
    for (let i = 0; i < line.length; i++) {
      this.#hash = Math.imul(this.#hash ^ line.charCodeAt(i), 0x01000193) >>> 0;
    }
    this.#trace.push(line);
    if (this.#trace.length > 400) this.#trace = this.#trace.slice(-40);
  }

  /** Runs this in `ms`, unless it is cancelled first. */
  after(ms: number, run: () => void): () => void {
    let cancelled = false;
    const rank = this.random();
    let at = this.#now + Math.max(0, ms);
    // Too short to be added: who waits for the rest of a time in this way would wait for ever.
    if (ms > 0 && at === this.#now) at += STEP_MS;
    const event = { at, rank, order: this.#order++ };
    this.#push({ ...event, run: () => cancelled || run() });
    return () => cancelled = true;
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.after(ms, resolve));
  }

  /** Runs everything that is due by then. */
  async run(until: number): Promise<void> {
    for (let next = this.#heap[0]; next && next.at <= until; next = this.#heap[0]) {
      this.#pop();
      this.#now = next.at;
      next.run();
      await settled();
    }
    this.#now = until;
  }

  /** A host of this world for one of its inhabitants. A dead one does not act any more. */
  host(inhabitant: Inhabitant, report: (message: string) => void): Host {
    return {
      clock: {
        now: () => EPOCH_MS + Math.floor(this.#now + inhabitant.wallClockErrorMs),
        monotonic: () => this.#now - inhabitant.stoodStillMs,
        after: (ms, run) => this.after(ms, () => inhabitant.act(run)),
      },
      random: {
        number: this.random,
        bytes: (length) => Uint8Array.from({ length }, () => Math.floor(this.random() * 256)),
      },
      telemetry: {
        count() {},
        observe() {},
        report: (level, message, fields) => {
          if (level === "error") report(`${message}: ${JSON.stringify(fields, errors)}`);
        },
      },
    };
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let i = heap.push(event) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (isBefore(heap[parent] as Event, event)) break;
      heap[i] = heap[parent] as Event;
      i = parent;
    }
    heap[i] = event;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (!last || heap.length === 0) return;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Event, heap[child] as Event)) {
        child++;
      }
      if (isBefore(last, heap[child] as Event)) break;
      heap[i] = heap[child] as Event;
      i = child;
    }
    heap[i] = last;
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.at < b.at ||
    a.at === b.at && (a.rank < b.rank || a.rank === b.rank && a.order < b.order);
}

function errors(_: string, value: unknown): unknown {
  return value instanceof Error ? value.stack : value;
}
