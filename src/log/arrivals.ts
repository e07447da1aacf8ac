/**
 * Appends whose topics are not in memory yet, and later ones that must not overtake them: those to
 * the same topic, or of the same producer in its session. All others pass.
 */

import { assert } from "../assert.ts";
import { GatewayError } from "../errors.ts";
import { HEAP_BYTES } from "../heap_bytes.ts";
import { LOG } from "../limits.ts";
import type { Append, AppendPart, Arrived } from "./append.ts";
import { storedBytesOf } from "./record.ts";

export interface ArrivalsOptions {
  /** Lets it in; false: not all of its topics are loaded. */
  admit(arrived: Arrived): boolean;
  /** Loads its topics; if this rejects with a `GatewayError`, the append is refused. */
  load(append: Append): Promise<unknown>;
  refuse(arrived: Arrived, error: GatewayError): void;
}

interface Arrival {
  readonly arrived: Arrived;
  /** The queues that it is in, and in each of them the next one behind it. */
  readonly orders: ReadonlySet<unknown>;
  readonly behind: Map<unknown, Arrival>;
  readonly bytes: number;
  isLoading: boolean;
}

/** A linked list: with very many arrivals, taking the first out of an array would move all others. */
interface Queue {
  first: Arrival;
  last: Arrival;
}

export class Arrivals {
  readonly #options: ArrivalsOptions;
  /** In the order in which they came. */
  readonly #waiting = new Set<Arrival>();
  /** By what keeps its order: see `ordersOf`. An arrival leaves once it is first in all of them. */
  readonly #queues = new Map<unknown, Queue>();
  #bytes = 0;

  constructor(options: ArrivalsOptions) {
    this.#options = options;
  }

  /** Lets it in at once, or when nothing is in front of it and its topics are loaded. */
  take(arrived: Arrived): void {
    const { admit, refuse } = this.#options;
    const { append } = arrived;
    const isBehind = this.#waiting.size > 0 && this.#isBehind(append);
    if (!isBehind && admit(arrived)) return;
    if (this.#bytes > LOG.queueBytes) {
      const why = "Too much waits for topics that are being read";
      return refuse(arrived, new GatewayError("overloaded", why, { retryAfterMs: LOG.retryMs }));
    }
    const ofRecords = append.parts.reduce((sum, { records }) => sum + storedBytesOf(records), 0);
    const bytes = HEAP_BYTES.append + ofRecords;
    const orders = new Set(append.parts.flatMap(ordersOf));
    const behind = new Map<unknown, Arrival>();
    const arrival: Arrival = { arrived, orders, behind, bytes, isLoading: false };
    this.#waiting.add(arrival);
    this.#bytes += bytes;
    for (const order of orders) {
      const queue = this.#queues.get(order);
      if (queue) {
        queue.last.behind.set(order, arrival);
        queue.last = arrival;
      } else this.#queues.set(order, { first: arrival, last: arrival });
    }
    if (!isBehind) this.#load(arrival);
  }

  /** Refuses what has waited for the store too long. */
  tick(now: number): void {
    const unblocked: Arrival[] = [];
    for (const arrival of this.#waiting) {
      if (arrival.arrived.since + LOG.publishMs > now) break;
      const error = new GatewayError("unavailable", "The store does not answer");
      unblocked.push(...this.#refuse(arrival, error));
    }
    this.#letIn(unblocked);
  }

  /** Whether something waits that it must not overtake. */
  #isBehind({ parts }: Append): boolean {
    return parts.some((part) => ordersOf(part).some((order) => this.#queues.has(order)));
  }

  async #load(arrival: Arrival): Promise<void> {
    arrival.isLoading = true;
    let ready = [arrival];
    try {
      await this.#options.load(arrival.arrived.append);
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      ready = this.#refuse(arrival, error);
    }
    arrival.isLoading = false;
    this.#letIn(ready);
  }

  /** Lets in those that are first and whose topics are loaded, and then those that they unblock. */
  #letIn(arrivals: Arrival[]): void {
    for (const arrival of arrivals) {
      if (!this.#isFirst(arrival)) continue;
      if (this.#options.admit(arrival.arrived)) {
        arrivals.push(...this.#forget(arrival)); // the loop goes on with them
      } else if (!arrival.isLoading) this.#load(arrival);
    }
  }

  #isFirst(arrival: Arrival): boolean {
    for (const order of arrival.orders) {
      if (this.#queues.get(order)?.first !== arrival) return false;
    }
    return true;
  }

  /** Refuses it, if it still waits. Returns those that are first behind it. */
  #refuse(arrival: Arrival, error: GatewayError): Arrival[] {
    if (!this.#waiting.has(arrival)) return [];
    const unblocked = this.#forget(arrival);
    this.#options.refuse(arrival.arrived, error);
    return unblocked;
  }

  /** Takes it out of its queues. Returns those that are first behind it. */
  #forget(arrival: Arrival): Arrival[] {
    this.#waiting.delete(arrival);
    this.#bytes -= arrival.bytes;
    const unblocked: Arrival[] = [];
    for (const order of arrival.orders) {
      const queue = this.#queues.get(order);
      assert(queue?.first === arrival, "an arrival leaves when it is first in its queues");
      const next = arrival.behind.get(order);
      if (!next) {
        this.#queues.delete(order);
        continue;
      }
      queue.first = next;
      unblocked.push(next);
    }
    return unblocked;
  }
}

/** What keeps its order: the appends to a topic, and those of a producer in its session. */
function ordersOf({ topic, admission }: AppendPart): unknown[] {
  return admission ? [topic.id, admission.lane] : [topic.id];
}
