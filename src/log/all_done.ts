/**
 * Waits until all promises are settled, then rejects with the first failure, if any: rejecting
 * earlier would let the caller go on while some of the work is still running.
 */
export async function allDone(promises: readonly (Promise<unknown> | undefined)[]): Promise<void> {
  await Promise.allSettled(promises);
  await Promise.all(promises);
}
