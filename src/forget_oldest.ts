/**
 * Forgets what came first, once there is an eighth more than is kept: all of that at once, since every
 * walk over a map begins at the places of those that were deleted from its front.
 */
export function forgetOldest(map: Map<unknown, unknown>, kept: number): void {
  if (map.size <= kept + kept / 8) return;
  for (const oldest of map.keys()) {
    if (map.size <= kept) return;
    map.delete(oldest);
  }
}
