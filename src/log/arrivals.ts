/**
 * Appends whose topics are not in memory yet, and what came behind them and must not overtake: for the
 * same topic, or of the same producer in its session. Others do not wait for them.
 */

import { assert } from "../assert.ts";
import { GatewayError } from "../errors.ts";
import { LOG } from "../limits.ts";
import { type Append, APPEND_BYTES, type AppendPart } from "./append.ts";
import { storedBytesOf } from "./record.ts";

export interface ArrivalsOptions {
  /** Lets it in, which has waited `since`; false: not all of its topics are loaded. */
  admit(append: Append, since: number): boolean;
  /** Loads its topics; a `GatewayError` refuses it. */
  load(append: Append): Promise<unknown>;
  refuse(append: Append, error: GatewayError): void;
}

interface Arrival {
  readonly append: Append;
  /** What keeps its order, each once. */
  readonly touched: ReadonlySet<unknown>;
  readonly bytes: number;
  readonly since: number;
  isLoading: boolean;
}

export class Arrivals {
  readonly #options: ArrivalsOptions;
  /** In the order in which they came. */
  readonly #waiting = new Set<Arrival>();
  /** What those that wait touch, and who waits for it. Whoever waits no more was first everywhere. */
  readonly #queues = new Map<unknown, Arrival[]>();
  #bytes = 0;

  constructor(options: ArrivalsOptions) {
    this.#options = options;
  }

  /** Lets it in at once, or when nothing is in front of it and its topics are loaded. */
  take(append: Append, now: number): void {
    const { admit, refuse } = this.#options;
    const isBehind = this.#isBehind(append);
    if (!isBehind && admit(append, now)) return;
    if (this.#bytes > LOG.queueBytes) {
      const why = "Too much waits for topics that are being read";
      return refuse(append, new GatewayError("overloaded", why, { retryAfterMs: 100 }));
    }
    const bytes = append.parts.reduce(
      (sum, { records }) => sum + storedBytesOf(records),
      APPEND_BYTES,
    );
    const touched = new Set(append.parts.flatMap(touches));
    const arrival: Arrival = { append, touched, bytes, since: now, isLoading: false };
    this.#waiting.add(arrival);
    this.#bytes += bytes;
    for (const one of touched) {
      const queue = this.#queues.get(one);
      if (queue) queue.push(arrival);
      else this.#queues.set(one, [arrival]);
    }
    if (!isBehind) this.#load(arrival);
  }

  /** Answers what has waited for the store too long. */
  tick(now: number): void {
    const nexts: Arrival[] = [];
    for (const arrival of this.#waiting) {
      if (arrival.since + LOG.publishMs > now) break;
      const error = new GatewayError("unavailable", "The store does not answer");
      nexts.push(...this.#refuse(arrival, error));
    }
    this.#letIn(nexts);
  }

  /** Whether something that it must not overtake waits in front of it. */
  #isBehind({ parts }: Append): boolean {
    if (this.#waiting.size === 0) return false;
    return parts.some((part) => touches(part).some((one) => this.#queues.has(one)));
  }

  async #load(arrival: Arrival): Promise<void> {
    arrival.isLoading = true;
    let nexts = [arrival];
    try {
      await this.#options.load(arrival.append);
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      nexts = this.#refuse(arrival, error);
    }
    arrival.isLoading = false;
    this.#letIn(nexts);
  }

  /** Those of them that are first and whose topics are loaded, and who is first behind these. */
  #letIn(arrivals: Arrival[]): void {
    for (const arrival of arrivals) {
      if (!this.#isFirst(arrival)) continue;
      if (this.#options.admit(arrival.append, arrival.since)) {
        arrivals.push(...this.#forget(arrival));
      } else if (!arrival.isLoading) this.#load(arrival);
    }
  }

  #isFirst(arrival: Arrival): boolean {
    for (const one of arrival.touched) if (this.#queues.get(one)?.[0] !== arrival) return false;
    return true;
  }

  /** Unless it waits no more. Returns those that were behind it. */
  #refuse(arrival: Arrival, error: GatewayError): Arrival[] {
    if (!this.#waiting.has(arrival)) return [];
    const nexts = this.#forget(arrival);
    this.#options.refuse(arrival.append, error);
    return nexts;
  }

  /** It waits no more. Returns those that were behind it. */
  #forget(arrival: Arrival): Arrival[] {
    this.#waiting.delete(arrival);
    this.#bytes -= arrival.bytes;
    const nexts: Arrival[] = [];
    for (const one of arrival.touched) {
      const queue = this.#queues.get(one) ?? [];
      assert(queue.shift() === arrival, "who waits no more was first");
      if (queue[0]) nexts.push(queue[0]);
      else this.#queues.delete(one);
    }
    return nexts;
  }
}

/** What keeps its order: a topic, and a producer in its session. */
function touches({ topic, admission }: AppendPart): unknown[] {
  return admission ? [topic.id, admission.lane] : [topic.id];
}
