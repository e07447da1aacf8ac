/**
 * Polls a condition that nothing signals, and fails with a sentence if that takes too long. Await a
 * signal instead where there is one.
 */

const patienceMs = 8_000;
const againMs = 20;

/** Resolves when `holds` does; throws, naming `what`, if it does not in time. */
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
