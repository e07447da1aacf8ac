/**
 * One epoch of one producer within one session. Makes its sequences rise by one, so that a failed
 * publish is never overtaken by later ones. What a lane has admitted must stay in order, over all
 * topics: then the publishes that a client has no answer to are always the last that it sent, and
 * it can resend them as one run.
 *
 *     admit(n)  ──►  queue  ──►  decided ──► done() | failed(n)
 *
 * A failure rewinds the lane to its sequence and starts a new `generation`. What was queued behind
 * it in an older generation is void, and refused with `sequence_gap` when its turn comes. Without
 * generations, an n+1 that is still queued could be stored before the resent n.
 */

import { GatewayError } from "../errors.ts";
import { PRODUCER } from "../limits.ts";
import type { ProducerStamp } from "../types.ts";

/** How a publish with a producer was let in. */
export interface Admission {
  readonly lane: Lane;
  readonly generation: number;
  /** This session has used the sequence before: it is answered if it is stored, else refused. */
  readonly repeat: boolean;
}

/** Reports to the lane that an admitted publish has failed. */
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
   * Failures that may still void something, oldest first. A later failure at the same or a lower
   * sequence replaces those before it, so sequences rise here, within one window.
   */
  readonly #failures: { readonly generation: number; readonly sequence: number }[] = [];
  /**
   * Sequences that were answered as stored, while a failure may still rewind the lane below them:
   * they are then skipped.
   */
  #stored = new Set<number>();

  /** The next sequence; undefined while any is accepted. */
  get expected(): number | undefined {
    return this.#expected;
  }

  /** Admits the publish with this sequence, or throws `sequence_gap` or `overloaded`. */
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

  /** The publish with this sequence was refused before it was admitted: it is expected again. */
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

  /** Whether a lower sequence has failed since this one was admitted. */
  isVoid(generation: number, sequence: number): boolean {
    for (const failure of this.#failures) {
      if (failure.generation > generation && failure.sequence < sequence) return true;
    }
    return false;
  }

  /**
   * `expected` is read when the error is sent: publishes that are refused along with this one have
   * failed by then, and may have rewound the lane further.
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
      // Keeps the highest of them, as many as a window has. In a new set: of one that is emptied as
      // fast as it is filled, the tables that it had are kept alive by one another.
      this.#stored = new Set([...this.#stored].sort((a, b) => b - a).slice(0, PRODUCER.window));
    }
  }

  #forgetBelow(sequence: number): void {
    for (const one of this.#stored) if (one < sequence) this.#stored.delete(one);
  }
}
