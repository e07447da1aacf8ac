/**
 * The error class of the client, for errors of the gateway and for the client's own, with the same
 * members: `effect` says whether anything happened, `retry` what would help.
 */

import type { Effect, ErrorCode, Retry } from "../errors.ts";
import type { EndPush, ErrorFrame } from "../protocol/gateway_frames.ts";

/**
 * Error codes of the client itself.
 *
 * ```ts
 * await producer.close();
 * const error = await producer.publish("positions", { value: 1 }).catch((error) => error);
 * console.log(error.code);
 * // closed
 * ```
 *
 * `connection_lost`: the connection was lost before the answer came.
 * `closed`: the client, producer, consumer or subscription is closed. `queue_full`: `maxQueueBytes`
 * are queued already. `refused`: the gateway closed the connection for good.
 */
export type ClientErrorCode = "connection_lost" | "closed" | "queue_full" | "refused";

/**
 * Details that only some codes have; see section 5 of the protocol.
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
 * The error of a request that failed. It may have happened all the same: see `effect`.
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
  /** A stable code; those of the gateway are listed in section 5 of the protocol. */
  readonly code: ErrorCode | ClientErrorCode;
  /** How to retry: see section 5 of the protocol. `never`: a retry cannot help. */
  readonly retry: Retry;
  /** `none`: nothing happened. `unknown`: it may have happened, so a retry may do it twice. */
  readonly effect: Effect;
  /** Details that depend on the code. */
  readonly detail: WeirErrorDetail;

  constructor(code: ErrorCode | ClientErrorCode, message: string, detail: WeirErrorDetail = {}) {
    super(message);
    this.code = code;
    this.retry = detail.retry ?? "never";
    this.effect = detail.effect ?? "none";
    this.detail = detail;
  }

  /** The same error, for a request that may have happened before it was refused. */
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

/** Whether sending the same request again may help. */
export function isPassing({ retry }: ErrorFrame): boolean {
  return /^(same|resend|reconnect)$/.test(retry);
}

export function closedError(what: string): WeirError {
  return new WeirError("closed", `The ${what} is closed`);
}

/** The partition is not owned by this member, or was lost since the request was made. */
export function notOwner(doing: string): WeirError {
  return new WeirError(
    "not_owner",
    `Cannot ${doing}: the partition is another member's, or was meanwhile`,
    { retry: "rejoin" },
  );
}
