/**
 * The one error that the client throws: the gateway's, as its reply has it, or one of the client's
 * own, with the same members. So one question decides what to do next: `effect` says whether anything
 * happened, `retry` what would help.
 */

import type { Effect, ErrorCode, Retry } from "../errors.ts";
import type { EndPush, ErrorFrame } from "../protocol/gateway_frames.ts";

/**
 * What only the client can say.
 *
 * ```ts
 * await producer.close();
 * const error = await producer.publish("positions", { value: 1 }).catch((error) => error);
 * console.log(error.code);
 * // closed
 * ```
 *
 * `connection_lost`: the connection went before the answer came.
 * `closed`: the client, the producer or the subscription is closed. `queue_full`: more is waiting
 * than may wait. `refused`: the gateway closed the connection for good.
 */
export type ClientErrorCode = "connection_lost" | "closed" | "queue_full" | "refused";

/**
 * Members of an error that only some codes have; see the protocol's section 5.
 *
 * ```ts
 * const beyond = [{ partition: 0, offset: 1_000_000 }];
 * await subscription.ready;
 * const error = await subscription.seek(beyond).catch((error) => error);
 * console.log(error.code, error.detail.start);
 * // offset_out_of_range 0
 * ```
 */
export interface WeirErrorDetail {
  readonly retry?: Retry;
  readonly effect?: Effect;
  readonly expected?: number;
  readonly start?: number;
  readonly next?: number;
  readonly retryAfterMs?: number;
  /** The close code of the socket. */
  readonly closeCode?: number;
}

/**
 * Why something did not happen, or may have.
 *
 * ```ts
 * try {
 *   await weir.publish("orders", { key: "order-7", value: { total: 12 } });
 * } catch (error) {
 *   if (error instanceof WeirError && error.effect === "unknown") console.log("It may be stored");
 *   else throw error;
 * }
 * ```
 */
export class WeirError extends Error {
  override readonly name = "WeirError";
  /** Stable; those of the gateway are in the table of the protocol's section 5. */
  readonly code: ErrorCode | ClientErrorCode;
  /** What would help: `never` nothing, as it is. */
  readonly retry: Retry;
  /** `none`: nothing happened. `unknown`: it may have, and to do it again may do it twice. */
  readonly effect: Effect;
  /** What else the code says. */
  readonly detail: WeirErrorDetail;

  constructor(code: ErrorCode | ClientErrorCode, message: string, detail: WeirErrorDetail = {}) {
    super(message);
    this.code = code;
    this.retry = detail.retry ?? "never";
    this.effect = detail.effect ?? "none";
    this.detail = detail;
  }

  /** The same error, of something that may have happened before it was refused. */
  inDoubt(): WeirError {
    if (this.effect === "unknown") return this;
    return new WeirError(this.code, this.message, { ...this.detail, effect: "unknown" });
  }
}

/** The error of a reply or of an `end`. */
export function errorOf(frame: ErrorFrame | EndPush): WeirError {
  const { type: _, code, message, ...detail } = frame;
  return new WeirError(code, message, detail);
}

/** Whether sending it again may help. */
export function isPassing({ retry }: ErrorFrame): boolean {
  return /^(same|resend|reconnect)$/.test(retry);
}

export function closedError(what: string): WeirError {
  return new WeirError("closed", `The ${what} is closed`);
}

/** A partition is not this member's, or not as it was when this was asked for. */
export function notOwner(doing: string): WeirError {
  return new WeirError(
    "not_owner",
    `Cannot ${doing}: the partition is another member's, or was meanwhile`,
    { retry: "rejoin" },
  );
}
