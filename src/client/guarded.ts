/** Calls of listeners in the middle of the client's work, which their errors must not disturb. */

/** Calls `run`. If it throws, the error becomes an unhandled rejection. */
export function guarded(run: () => void): void {
  try {
    run();
  } catch (error) {
    Promise.reject(error);
  }
}
