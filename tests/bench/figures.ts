/** The arithmetic of the tables: quantiles, medians, and counts. Pure. */

/** The quantile of a sorted list. */
export function quantile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? NaN;
}

export function median(figures: readonly number[]): number {
  return quantile(ascending(figures), 0.5);
}

export function ascending(figures: readonly number[]): number[] {
  return Array.from(Float64Array.from(figures).sort());
}

/** A readable number of digits: whole numbers from a thousand on. */
export function show(figure: number): string {
  if (Number.isNaN(figure)) return "-";
  if (Math.abs(figure) >= 1_000) return Math.round(figure).toLocaleString("en-US");
  return Number.isInteger(figure) ? String(figure) : figure.toFixed(2);
}
