/**
 * One publish on its way to the log and back. There are thousands of these at a time, each for as
 * long as a write takes, so it is one object that holds what its answer needs and no closure: a
 * closure would keep the whole frame alive, and the collector would carry it around.
 */

import type { Append, AppendPart, AppendResult } from "../log/append.ts";
import { publishedFrame } from "../protocol/codec.ts";
import type { Requests } from "./requests.ts";
import type { Turnstile } from "./turnstile.ts";

export class Publishing implements Append {
  readonly parts: readonly AppendPart[];
  readonly #id: number | undefined;
  readonly #requests: Requests;
  readonly #turnstile: Turnstile;
  /** What it shares at the turnstile. */
  readonly #topic: string;

  constructor(
    id: number | undefined,
    part: AppendPart,
    requests: Requests,
    turnstile: Turnstile,
  ) {
    this.parts = [part];
    this.#id = id;
    this.#requests = requests;
    this.#turnstile = turnstile;
    this.#topic = part.topic.name;
  }

  done(result: AppendResult): void {
    this.#turnstile.unshare(this.#topic);
    if (!result.ok) return this.#requests.fail(this.#id, result.error);
    if (this.#id === undefined) return this.#requests.answer(undefined, "");
    const [offsets = []] = result.offsets;
    this.#requests.answer(this.#id, publishedFrame(this.#id, offsets, result.duplicate));
  }
}
