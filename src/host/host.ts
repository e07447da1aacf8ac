/**
 * Everything nondeterministic comes in through here, so that a simulated world can replace the real
 * one (`system.ts`): two clocks, randomness, and what operators see.
 */

import { ulid } from "ulid";

/** Two clocks and a timer. */
export interface Clock {
  /** Wall clock, ms since 1970. May jump. For timestamps and ids only, never for deadlines. */
  now(): number;
  /** Milliseconds since an arbitrary start; never goes back. For deadlines. */
  monotonic(): number;
  /**
   * Calls `run` once, `ms` later, unless the returned function is called first. With 0, after
   * everything that is ready now, sockets included, has had its turn.
   */
  after(ms: number, run: () => void): () => void;
}

export interface Random {
  /** Uniform in [0, 1). */
  number(): number;
  /** Bytes that cannot be guessed. */
  bytes(length: number): Uint8Array;
}

export type Level = "debug" | "info" | "warn" | "error";

/** What operators see. Names are Prometheus metric names without the `weir_` prefix. */
export interface Telemetry {
  /** Adds to a counter. */
  count(name: string, by?: number): void;
  /** Records a duration in milliseconds into a histogram. */
  observe(name: string, ms: number): void;
  /** A diagnostic line. Never a payload, never a token. */
  report(level: Level, message: string, fields?: Readonly<Record<string, unknown>>): void;
}

export interface Host {
  readonly clock: Clock;
  readonly random: Random;
  readonly telemetry: Telemetry;
}

/** Resolves `ms` later. */
export function sleep(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => clock.after(ms, resolve));
}

/** A new ULID (26 characters, sortable by time), from the host's clock and randomness. */
export function newId(host: Host): string {
  return ulid(host.clock.now(), () => host.random.number());
}
