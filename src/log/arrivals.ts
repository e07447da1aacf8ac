/**
 * Appends whose topics are not in memory yet, and what came behind them and must not overtake: for the
 * same topic, or of the same producer in its session. They are let in one by one, in their order.
 */

import { GatewayError } from "../errors.ts";
import { LOG } from "../limits.ts";
import type { Append, AppendPart } from "./append.ts";
import { storedBytes } from "./record.ts";

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
}

export class Arrivals {
  readonly #options: ArrivalsOptions;
  readonly #waiting: Arrival[] = [];
  /** What those that wait touch, and how many of them do. */
  readonly #touched = new Map<unknown, number>();
  #bytes = 0;

  constructor(options: ArrivalsOptions) {
    this.#options = options;
  }

  /** Whether something that it must not overtake waits in front of it. */
  mustWait({ parts }: Append): boolean {
    if (this.#waiting.length === 0) return false;
    return parts.some((part) => touches(part).some((one) => this.#touched.has(one)));
  }

  add(append: Append, now: number): void {
    const { load, refuse } = this.#options;
    if (this.#bytes > LOG.queueBytes) {
      const why = "Too much waits for topics that are being read";
      return refuse(append, new GatewayError("overloaded", why, { retryAfterMs: 100 }));
    }
    const bytes = bytesOf(append);
    this.#waiting.push({ append, bytes, since: now });
    this.#bytes += bytes;
    this.#touch(append, 1);
    if (this.#waiting.length === 1) this.#letIn();
    else load(append).catch(() => {}); // its turn will tell
  }

  /** Answers what has waited for the store too long. */
  tick(now: number): void {
    const { admit, refuse } = this.#options;
    let refused = 0;
    for (let first = this.#waiting[0]; first; first = this.#waiting[0]) {
      const { append, since } = first;
      if (since + LOG.publishMs > now) break;
      this.#shift();
      // It may have waited only for what was in front of it.
      if (admit(append, since)) continue;
      refuse(append, new GatewayError("unavailable", "The store does not answer"));
      refused++;
    }
    if (refused > 0) this.#letIn();
  }

  /** One after the other, from the first on. */
  async #letIn(): Promise<void> {
    const { admit, load, refuse } = this.#options;
    for (let first = this.#waiting[0]; first; first = this.#waiting[0]) {
      const { append, since } = first;
      if (admit(append, since)) {
        this.#shift();
        continue;
      }
      try {
        await load(append);
      } catch (error) {
        if (!(error instanceof GatewayError)) throw error;
        if (first !== this.#waiting[0]) continue; // its time was over before
        this.#shift();
        refuse(append, error);
      }
    }
  }

  #shift(): void {
    const first = this.#waiting.shift();
    if (!first) return;
    this.#bytes -= first.bytes;
    this.#touch(first.append, -1);
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

function bytesOf({ parts }: Append): number {
  return parts.reduce(
    (sum, { records }) => records.reduce((sum, record) => sum + storedBytes(record), sum),
    0,
  );
}
