/**
 * Waits for what nothing tells of: asks again and again, and fails with a sentence when it takes too
 * long. Where something can be awaited, await that.
 */

const patienceMs = 8_000;
const againMs = 20;

/** Resolves when `holds` does; throws, naming `what`, when it does not in time. */
export async function eventually(
  what: string,
  holds: () => boolean | Promise<boolean>,
  withinMs = patienceMs,
): Promise<void> {
  const end = performance.now() + withinMs;
  while (!await holds()) {
    if (performance.now() > end) throw new Error(`Not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, againMs));
  }
}
