/**
 * Issues producer ids and epochs. An id cannot be guessed; an epoch is the time at which it was
 * issued, so a partition that does not know the producer can still tell whether the epoch is too
 * old.
 */

import { assert } from "./assert.ts";
import { type Host, newId } from "./host/host.ts";
import { PRODUCER } from "./limits.ts";
import { keys } from "./store/keys.ts";
import type { Store } from "./store/store.ts";
import { transact } from "./store/transact.ts";

export interface ProducerId {
  readonly id: string;
  readonly epoch: number;
}

export class Producers {
  readonly #store: Store;
  readonly #host: Host;

  constructor(store: Store, host: Host) {
    this.#store = store;
    this.#host = host;
  }

  /**
   * A new producer; or the one of this subject's name with a higher epoch, which fences the older
   * ones. If a clock was so far ahead that partitions would not accept any higher epoch, the name
   * gets a new id.
   */
  async init(subject: string, name: string | undefined): Promise<ProducerId> {
    const fresh = { id: newId(this.#host), epoch: this.#host.clock.now() };
    if (name === undefined) return fresh;
    const key = keys.producer(subject, name);
    return await transact(this.#store, this.#host, {
      load: async () => {
        const [entry] = await this.#store.read([key]);
        assert(entry, "a read answers every key");
        return { checks: [{ key, version: entry.version }], known: decode(entry.value) };
      },
      decide: ({ known }) => {
        const result = known && known.epoch < fresh.epoch + PRODUCER.skewMs
          ? { id: known.id, epoch: Math.max(known.epoch + 1, fresh.epoch) }
          : fresh;
        const value = new TextEncoder().encode(JSON.stringify(result));
        return { mutations: [{ type: "set", key, value }], result };
      },
    });
  }
}

function decode(value: Uint8Array | undefined): ProducerId | undefined {
  return value && JSON.parse(new TextDecoder().decode(value));
}
