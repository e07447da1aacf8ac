/**
 * SIGTERM and SIGINT: the first one asks to stop, the next one to stop at once.
 *
 * A terminal sends an interrupt to every process in front of it, and the task runner between passes
 * its own on: one press of a key comes twice. So at a terminal a second SIGINT right behind the first
 * one is the same.
 */

const ECHO_MS = 300;

export function onStop(first: () => void, again: () => void): void {
  let askedAt: number | undefined;
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    Deno.addSignalListener(signal, () => {
      const now = performance.now();
      if (askedAt === undefined) {
        askedAt = now;
        first();
      } else if (signal === "SIGTERM" || now - askedAt > ECHO_MS || !Deno.stdin.isTerminal()) {
        again();
      }
    });
  }
}
