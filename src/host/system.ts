/** The real host: the system's clocks and randomness, counters for `/metrics`, lines on stderr. */

import { assert } from "../assert.ts";
import type { Clock, Host, Level, Random, Telemetry } from "./host.ts";
import { jsonLine, type Report, terminalLine } from "./report_line.ts";

/** Milliseconds: upper bounds of the buckets of every histogram. */
const BUCKETS_MS = [0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000];
const RANDOM_BYTES = 4_096;
const LEVELS: readonly Level[] = ["debug", "info", "warn", "error"];

export class SystemClock implements Clock {
  now(): number {
    return Date.now();
  }

  monotonic(): number {
    return performance.now();
  }

  after(ms: number, run: () => void): () => void {
    // Not a timer, which takes at least a millisecond, nor anything that would run before sockets
    // have their turn.
    if (ms <= 0) return afterThisTurn(run);
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  }
}

function afterThisTurn(run: () => void): () => void {
  const immediate = setImmediate(run);
  return () => clearImmediate(immediate);
}

/** The system's randomness, fetched a page at a time: an id takes sixteen numbers. */
export class SystemRandom implements Random {
  readonly #pool = new Uint8Array(RANDOM_BYTES);
  #at = RANDOM_BYTES;

  number(): number {
    const bytes = this.#take(4);
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    return view.getUint32(0) / 2 ** 32;
  }

  bytes(length: number): Uint8Array {
    return this.#take(length).slice();
  }

  #take(length: number): Uint8Array {
    assert(length <= RANDOM_BYTES, `at most ${RANDOM_BYTES} random bytes come at once`);
    if (this.#at + length > RANDOM_BYTES) {
      crypto.getRandomValues(this.#pool);
      this.#at = 0;
    }
    this.#at += length;
    return this.#pool.subarray(this.#at - length, this.#at);
  }
}

interface Histogram {
  readonly counts: number[];
  sumMs: number;
}

/** Counters and histograms as Prometheus text, diagnostics as lines. */
export class SystemTelemetry implements Telemetry {
  readonly #write: (line: string) => void;
  readonly #least: Level;
  readonly #format: (report: Report) => string;
  readonly #counters = new Map<string, number>();
  readonly #histograms = new Map<string, Histogram>();

  constructor(
    write: (line: string) => void = writeToStderr,
    least: Level = "info",
    format: (report: Report) => string = jsonLine,
  ) {
    this.#write = write;
    this.#least = least;
    this.#format = format;
  }

  count(name: string, by = 1): void {
    this.#counters.set(name, (this.#counters.get(name) ?? 0) + by);
  }

  observe(name: string, ms: number): void {
    let histogram = this.#histograms.get(name);
    if (!histogram) {
      histogram = { counts: new Array(BUCKETS_MS.length + 1).fill(0), sumMs: 0 };
      this.#histograms.set(name, histogram);
    }
    const bucket = BUCKETS_MS.findIndex((bound) => ms <= bound);
    const at = bucket < 0 ? BUCKETS_MS.length : bucket;
    histogram.counts[at] = (histogram.counts[at] ?? 0) + 1;
    histogram.sumMs += ms;
  }

  report(level: Level, message: string, fields: Readonly<Record<string, unknown>> = {}): void {
    if (LEVELS.indexOf(level) < LEVELS.indexOf(this.#least)) return;
    this.#write(this.#format({ time: new Date().toISOString(), level, message, fields }));
  }

  /** All counters and histograms in the text format of Prometheus. */
  metrics(): string {
    let text = "";
    for (const [name, value] of this.#counters) {
      text += `# TYPE weir_${name} counter\nweir_${name} ${value}\n`;
    }
    for (const [name, { counts, sumMs }] of this.#histograms) {
      text += `# TYPE weir_${name} histogram\n`;
      let below = 0;
      for (const [i, count] of counts.entries()) {
        below += count;
        text += `weir_${name}_bucket{le="${BUCKETS_MS[i] ?? "+Inf"}"} ${below}\n`;
      }
      text += `weir_${name}_sum ${sumMs}\nweir_${name}_count ${below}\n`;
    }
    return text;
  }
}

/** `least`: the lowest level that is reported. */
export function systemHost(
  least: Level = "info",
): Host & { readonly telemetry: SystemTelemetry } {
  const format = Deno.stderr.isTerminal() ? forPeople : jsonLine;
  return {
    clock: new SystemClock(),
    random: new SystemRandom(),
    telemetry: new SystemTelemetry(writeToStderr, least, format),
  };
}

function forPeople(report: Report): string {
  return terminalLine(report, !Deno.noColor);
}

/** The reader of the lines may be gone, which is no reason to end. */
function writeToStderr(line: string): void {
  try {
    Deno.stderr.writeSync(new TextEncoder().encode(`${line}\n`));
  } catch {
    // Nobody can be told.
  }
}
