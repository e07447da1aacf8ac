/** The arithmetic of the tables: quantiles, medians, and how many of a thing there are. Pure. */

/** The value below which such a part of `sorted` is. */
export function quantile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? NaN;
}

export function median(figures: readonly number[]): number {
  return quantile(ascending(figures), 0.5);
}

export function ascending(figures: readonly number[]): number[] {
  return Array.from(Float64Array.from(figures).sort());
}

/** A figure with as many digits as can be read: whole from a thousand on. */
export function show(figure: number): string {
  if (Number.isNaN(figure)) return "-";
  if (Math.abs(figure) >= 1_000) return Math.round(figure).toLocaleString("en-US");
  return Number.isInteger(figure) ? String(figure) : figure.toFixed(2);
}
