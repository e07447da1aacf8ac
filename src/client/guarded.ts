/** Calls to the application in the middle of what the client does: what they throw is theirs. */

/** Calls `run`; what it throws is an unhandled rejection, and stops nothing here. */
export function guarded(run: () => void): void {
  try {
    run();
  } catch (error) {
    Promise.reject(error);
  }
}
