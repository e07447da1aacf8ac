/**
 * What the windows of a run come to. Pure. Windows with and without the abuse stand in pairs, one
 * right after the other, so that a slow minute of the machine strikes both.
 */

/** How long records took from their publish to another socket, of those sent in one window. */
export interface Window {
  readonly records: number;
  readonly p50: number;
  readonly p99: number;
}

export type Quantile = "p50" | "p99";

export interface Memory {
  /** Bytes that are in use after a garbage collection. */
  readonly heap: number;
  readonly rss: number;
}

export interface Round {
  readonly without: Window;
  readonly with: Window;
  /** The most resident memory while it lasted, less what there was before. */
  readonly cost: number;
  /** Some time after it ended. */
  readonly after: Memory;
}

export function windowOf(latencies: readonly number[]): Window {
  const sorted = latencies.toSorted((one, other) => one - other);
  const within = (share: number) => sorted[Math.ceil(sorted.length * share) - 1] ?? NaN;
  return { records: sorted.length, p50: within(0.5), p99: within(0.99) };
}

export interface Effect {
  /** Medians of the windows, in milliseconds. */
  readonly without: number;
  readonly with: number;
  /** The median of the pairs: with the abuse so much of what it was without. 1: no difference. */
  readonly ratio: number;
  /** From the least to the most of the windows without it, as a share of their median. */
  readonly spread: number;
}

export function effectOn(quantile: Quantile, rounds: readonly Round[]): Effect {
  const without = rounds.map((round) => round.without[quantile]);
  return {
    without: median(without),
    with: median(rounds.map((round) => round.with[quantile])),
    ratio: median(rounds.map((round) => round.with[quantile] / round.without[quantile])),
    spread: (Math.max(...without) - Math.min(...without)) / median(without),
  };
}

/** Whether more memory is left from round to round. */
export function memoryRises(rounds: readonly Round[]): boolean {
  return (["heap", "rss"] as const).some((kind) => rises(rounds.map(({ after }) => after[kind])));
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  const half = Math.floor(sorted.length / 2);
  const upper = sorted[half] ?? NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[half - 1] ?? NaN) + upper) / 2;
}

/** What a rise must come to from the first to the last, as a share: less is the collector's. */
const RISE = 0.05;

/** The values that a trend is of: what has risen before that and then stays is none. */
const LAST = 5;

/**
 * Whether there is an upward trend at the end: of all pairs (Kendall's), eight more rise than fall
 * of the ten that five values have, which chance does once in 24 times; and it comes to something.
 */
export function rises(all: readonly number[]): boolean {
  const values = all.slice(-LAST);
  const [first = NaN] = values;
  const last = values.at(-1) ?? NaN;
  let score = 0;
  let pairs = 0;
  for (const [i, earlier] of values.entries()) {
    for (const later of values.slice(i + 1)) {
      score += Math.sign(later - earlier);
      pairs++;
    }
  }
  return pairs > 1 && score >= 0.8 * pairs && last > (1 + RISE) * first;
}
