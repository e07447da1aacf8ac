/** Lookups of stripes that are in flight: whoever wants the same one shares its result. */

import type { Stripe } from "./stripe.ts";

export class SingleFlight<T> {
  readonly #inFlight = new WeakMap<Stripe, Map<string, Promise<T>>>();

  /** The result of `look`, or of the lookup of the same name that is in flight. */
  share(stripe: Stripe, name: string, look: () => Promise<T>): Promise<T> {
    let lookups = this.#inFlight.get(stripe);
    if (!lookups) this.#inFlight.set(stripe, lookups = new Map());
    let result = lookups.get(name);
    if (!result) lookups.set(name, result = look().finally(() => lookups.delete(name)));
    return result;
  }
}
