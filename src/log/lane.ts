/**
 * One epoch of one producer within one session: keeps the rule that its sequences rise by one, so
 * that a publish that failed is never overtaken by the ones that were sent behind it. Whoever queues
 * what a lane has admitted keeps its order, over all topics: then what a client has no answer to is
 * always the last of what it sent, and can be sent again as one run.
 *
 *     admit(n)  ──►  queue  ──►  decided ──► done() | failed(n)
 *
 * A failure rewinds the lane to its sequence and opens a new `generation`; what was queued behind it
 * in an older generation is void, and refused with `sequence_gap` when its turn comes. Without
 * generations, a resent n that arrives while the old n+1 still waits would let that one pass first.
 */

import { GatewayError } from "../errors.ts";
import { PRODUCER } from "../limits.ts";
import type { ProducerStamp } from "../types.ts";

/** How a publish with a producer was let in. */
export interface Admission {
  readonly lane: Lane;
  readonly generation: number;
  /** This session has used the number before: it may find what it stored then, and nothing else. */
  readonly repeat: boolean;
}

/** What was admitted, if it was, has failed. */
export function giveUp(
  producer: ProducerStamp | undefined,
  admission: Admission | undefined,
  error: GatewayError,
): void {
  if (producer) admission?.lane.failed(producer.sequence, error, admission.repeat);
}

export class Lane {
  generation = 0;
  #expected: number | undefined;
  #unanswered = 0;
  /**
   * The failures that may still void something, oldest first. A later one at the same or a lower
   * sequence says all that those before it said: so sequences rise here, within one window.
   */
  readonly #failures: { readonly generation: number; readonly sequence: number }[] = [];
  /**
   * Told to be stored, while something that is unanswered may still take the lane back to before them:
   * they are not expected again.
   */
  readonly #stored = new Set<number>();

  /** The next sequence; undefined while any may come. */
  get expected(): number | undefined {
    return this.#expected;
  }

  /** Lets the publish with this sequence in, or throws `sequence_gap` or `overloaded`. */
  admit(sequence: number): Admission {
    if (this.#expected !== undefined && sequence > this.#expected) throw this.gap(sequence);
    if (this.#unanswered >= PRODUCER.window) {
      throw new GatewayError(
        "overloaded",
        `Cannot take sequence ${sequence}: ${PRODUCER.window} publishes of this producer are unanswered`,
        { retryAfterMs: 50 },
      );
    }
    this.#unanswered++;
    const repeat = this.#expected !== undefined && sequence < this.#expected;
    if (!repeat) this.#goOnFrom(sequence + 1);
    return { lane: this, generation: this.generation, repeat };
  }

  /** The publish with this sequence was refused before it was admitted: it must come again. */
  refused(sequence: number): void {
    this.#expected ??= sequence;
  }

  /** An admitted publish is stored, or was before: its client need not send it again. */
  done(sequence: number): void {
    this.#stored.add(sequence);
    if (this.#expected !== undefined) this.#goOnFrom(this.#expected);
    this.#answered();
  }

  /** An admitted publish failed. */
  failed(sequence: number, error: GatewayError, repeat: boolean): void {
    if (error.code === "sequence_too_old") {
      this.#expected = undefined;
      this.#stored.clear();
    } else if (!repeat && (this.#expected === undefined || sequence < this.#expected)) {
      this.#expected = sequence;
      this.generation++;
      while ((this.#failures.at(-1)?.sequence ?? -1) >= sequence) this.#failures.pop();
      this.#failures.push({ generation: this.generation, sequence });
    }
    this.#answered();
  }

  /** Whether something in front of it has failed since it was admitted. */
  isVoid(generation: number, sequence: number): boolean {
    for (const failure of this.#failures) {
      if (failure.generation > generation && failure.sequence < sequence) return true;
    }
    return false;
  }

  /**
   * Names the sequence to go on from as it is when the error is told: what is refused with it has
   * failed by then, and may have taken the lane back further.
   */
  gap(sequence: number): GatewayError {
    const expected = () => this.#expected ?? sequence;
    return new GatewayError(
      "sequence_gap",
      `Cannot take sequence ${sequence}: it is not the next one of this producer`,
      {
        get expected() {
          return expected();
        },
      },
    );
  }

  #goOnFrom(sequence: number): void {
    this.#expected = sequence;
    while (this.#stored.has(this.#expected)) this.#expected++;
  }

  #answered(): void {
    if (--this.#unanswered === 0) {
      this.#failures.length = 0;
      this.#forgetBelow(this.#expected ?? Infinity);
    } else if (this.#stored.size > 2 * PRODUCER.window) {
      this.#forgetBelow([...this.#stored].sort((a, b) => b - a)[PRODUCER.window - 1] ?? 0);
    }
  }

  #forgetBelow(sequence: number): void {
    for (const one of this.#stored) if (one < sequence) this.#stored.delete(one);
  }
}
