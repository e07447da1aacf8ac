/**
 * Appends whose topics are not in memory yet, and what came behind them and must not overtake: for the
 * same topic, or of the same producer in its session. Others do not wait for them.
 */

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
  readonly bytes: number;
  readonly since: number;
  isLoading: boolean;
}

export class Arrivals {
  readonly #options: ArrivalsOptions;
  /** In the order in which they came. */
  readonly #waiting = new Set<Arrival>();
  /** What those that wait touch, and how many of them do. */
  readonly #touched = new Map<unknown, number>();
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
    const arrival: Arrival = { append, bytes, since: now, isLoading: false };
    this.#waiting.add(arrival);
    this.#bytes += bytes;
    this.#touch(append, 1);
    if (!isBehind) this.#load(arrival);
  }

  /** Answers what has waited for the store too long. */
  tick(now: number): void {
    let refused = 0;
    for (const arrival of this.#waiting) {
      if (arrival.since + LOG.publishMs > now) break;
      this.#refuse(arrival, new GatewayError("unavailable", "The store does not answer"));
      refused++;
    }
    if (refused > 0) this.#letIn();
  }

  /** Whether something that it must not overtake waits in front of it. */
  #isBehind({ parts }: Append): boolean {
    if (this.#waiting.size === 0) return false;
    return parts.some((part) => touches(part).some((one) => this.#touched.has(one)));
  }

  async #load(arrival: Arrival): Promise<void> {
    arrival.isLoading = true;
    try {
      await this.#options.load(arrival.append);
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      this.#refuse(arrival, error);
    }
    arrival.isLoading = false;
    this.#letIn();
  }

  /** All whose topics are loaded, but for what is behind others. */
  #letIn(): void {
    const inFront = new Set<unknown>();
    for (const arrival of this.#waiting) {
      const { append, since, isLoading } = arrival;
      const touched = append.parts.flatMap(touches);
      if (!touched.some((one) => inFront.has(one))) {
        if (this.#options.admit(append, since)) {
          this.#forget(arrival);
          continue;
        }
        if (!isLoading) this.#load(arrival);
      }
      for (const one of touched) inFront.add(one);
    }
  }

  #refuse(arrival: Arrival, error: GatewayError): void {
    if (this.#forget(arrival)) this.#options.refuse(arrival.append, error);
  }

  /** False: it waits no more. */
  #forget(arrival: Arrival): boolean {
    if (!this.#waiting.delete(arrival)) return false;
    this.#bytes -= arrival.bytes;
    this.#touch(arrival.append, -1);
    return true;
  }

  #touch({ parts }: Append, more: 1 | -1): void {
    for (const one of parts.flatMap(touches)) {
      const count = (this.#touched.get(one) ?? 0) + more;
      if (count > 0) this.#touched.set(one, count);
      else this.#touched.delete(one);
    }
  }
}

/** What keeps its order: a topic, and a producer in its session. */
function touches({ topic, admission }: AppendPart): unknown[] {
  return admission ? [topic.id, admission.lane] : [topic.id];
}
