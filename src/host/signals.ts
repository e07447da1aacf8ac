/**
 * SIGTERM and SIGINT: the first asks to stop, the second to stop at once.
 *
 * A terminal sends an interrupt to every foreground process, and the task runner in between passes
 * on its own: one key press arrives twice. So at a terminal, a second SIGINT right after the first
 * counts as the same.
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
