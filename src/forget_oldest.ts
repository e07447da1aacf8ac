/**
 * Drops the oldest entries of a map, once it has an eighth more than `kept`. Many at once, since
 * each iteration over a map must skip the entries that were deleted at its front.
 */
export function forgetOldest(map: Map<unknown, unknown>, kept: number): void {
  if (map.size <= kept + kept / 8) return;
  for (const oldest of map.keys()) {
    if (map.size <= kept) return;
    map.delete(oldest);
  }
}
