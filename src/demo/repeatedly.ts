/** Things that happen while others do: again and again, or until something holds. */

/** Runs `each` every so often, never twice at once, until the returned function is called. */
export function repeatedly(everyMs: number, each: () => Promise<void> | void): () => Promise<void> {
  let running = true;
  const loop = (async () => {
    while (running) {
      await new Promise((resolve) => setTimeout(resolve, everyMs));
      if (running) await each();
    }
  })();
  return () => {
    running = false;
    return loop;
  };
}

/** Resolves when it holds; rejects when it does not within `patienceMs`. */
export async function until(
  holds: () => boolean | Promise<boolean>,
  what: string,
  patienceMs = 120_000,
): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (!await holds()) {
    if (performance.now() > deadline) throw new Error(`Waited ${patienceMs / 1_000} s for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
