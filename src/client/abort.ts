/** Promises that an `AbortSignal` can reject, and that remove their listener when they settle. */

/**
 * Options of calls that can be aborted.
 *
 * ```ts
 * const { places } = await weir.publish("positions", { value: 1 }, {
 *   signal: AbortSignal.timeout(5_000),
 * });
 * console.log(places.length);
 * // 1
 * ```
 */
export interface Abortable {
  /** Stops the call with the signal's reason. What was sent already may still happen. */
  readonly signal?: AbortSignal | undefined;
}

export interface Settle<Value> {
  readonly resolve: (value: Value) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * A promise that `begin` settles. If the signal fires first, it calls the function given to
 * `onAbort` and rejects with the signal's reason. It also rejects if `begin` throws.
 */
export function settling<Value>(
  signal: AbortSignal | undefined,
  begin: (settle: Settle<Value>, onAbort: (run: () => void) => void) => void,
): Promise<Value> {
  return new Promise((resolve, reject) => {
    if (!signal) return begin({ resolve, reject }, () => {});
    let undo = () => {};
    const forget = whenAborted(signal, (reason) => {
      undo();
      reject(reason);
    });
    const settle: Settle<Value> = {
      resolve: (value) => (forget(), resolve(value)),
      reject: (error) => (forget(), reject(error)),
    };
    if (signal.aborted) return;
    try {
      begin(settle, (run) => undo = run);
    } catch (error) {
      settle.reject(error);
    }
  });
}

/**
 * Calls `run` with the reason, now or when the signal fires. Returns how to remove the listener.
 */
export function whenAborted(
  signal: AbortSignal | undefined,
  run: (reason: unknown) => void,
): () => void {
  if (!signal) return () => {};
  // In React Native a signal has no reason.
  const aborted = () =>
    run(signal.reason ?? Object.assign(new Error("Aborted"), { name: "AbortError" }));
  if (signal.aborted) aborted();
  else signal.addEventListener("abort", aborted, { once: true });
  return () => signal.removeEventListener("abort", aborted);
}
