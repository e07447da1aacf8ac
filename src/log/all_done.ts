/**
 * Resolves when all of them are done, and rejects no sooner, with the first failure: what still runs
 * when its caller goes on could undo what is done then.
 */
export async function allDone(promises: readonly (Promise<unknown> | undefined)[]): Promise<void> {
  await Promise.allSettled(promises);
  await Promise.all(promises);
}
