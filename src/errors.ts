/**
 * All errors that a client can get, in one table: the code is stable, and the retry rule and the
 * effect tell a client what to do without parsing the message. (The `effect` column is s2's idea;
 * the rest is Kafka's error table.)
 */

/** What the client should do next. `resend`: resend from `expected` on, in order. */
export type Retry = "never" | "same" | "resend" | "rejoin" | "reconnect";

/** `none`: nothing was changed. `unknown`: something may have been. */
export type Effect = "none" | "unknown";

interface Row {
  readonly status: number;
  readonly retry: Retry;
  readonly effect: Effect;
}

function row(status: number, retry: Retry, effect: Effect = "none"): Row {
  return { status, retry, effect };
}

/** Code → HTTP status, retry rule, effect. */
export const ERRORS = {
  invalid_frame: row(400, "never"),
  unknown_type: row(404, "never"),
  unauthenticated: row(401, "never"),
  forbidden: row(403, "never"),
  unknown_topic: row(404, "never"),
  unknown_partition: row(404, "never"),
  unknown_group: row(404, "never"),
  unknown_subscription: row(404, "never"),
  topic_exists: row(409, "never"),
  group_active: row(409, "never"),
  record_too_large: row(413, "never"),
  batch_too_large: row(413, "never"),
  transaction_too_large: row(413, "never"),
  too_many_subscriptions: row(429, "never"),
  rate_limited: row(429, "same"),
  overloaded: row(503, "same"),
  sequence_gap: row(409, "resend"),
  sequence_too_old: row(409, "never"),
  producer_fenced: row(409, "never"),
  producer_unknown: row(409, "never"),
  offset_out_of_range: row(416, "never"),
  not_owner: row(409, "rejoin"),
  fenced: row(409, "rejoin"),
  unavailable: row(503, "same"),
  timeout: row(504, "same", "unknown"),
  internal: row(500, "same", "unknown"),
} as const satisfies Record<string, Row>;

/** A stable, published error code. */
export type ErrorCode = keyof typeof ERRORS;

/** Fields that some codes have in addition. */
export interface ErrorDetail {
  /** `sequence_gap`: the sequence to resend from. */
  readonly expected?: number;
  /** `offset_out_of_range`: the first offset of the log. */
  readonly start?: number;
  /** `offset_out_of_range`: the offset after the last one. */
  readonly next?: number;
  /** How long to wait before trying again. */
  readonly retryAfterMs?: number;
  /** Overrides the table, for the few codes whose rule depends on the case. */
  readonly retry?: Retry;
  /** Overrides the table: only a part was refused, after others that are stored. */
  readonly effect?: Effect;
}

/** An error that is sent to the client as a reply. The message says what failed and why. */
export class GatewayError extends Error {
  override readonly name = "GatewayError";
  readonly code: ErrorCode;
  readonly detail: ErrorDetail;

  constructor(code: ErrorCode, message: string, detail: ErrorDetail = {}) {
    super(message);
    this.code = code;
    this.detail = detail;
  }

  get retry(): Retry {
    return this.detail.retry ?? ERRORS[this.code].retry;
  }

  get effect(): Effect {
    return this.detail.effect ?? ERRORS[this.code].effect;
  }

  get status(): number {
    return ERRORS[this.code].status;
  }

  /** The fields of every reply with this error, on a socket and over HTTP. */
  fields(): Record<string, unknown> {
    const { retry: _retry, effect: _effect, ...detail } = this.detail;
    return {
      code: this.code,
      message: this.message,
      retry: this.retry,
      effect: this.effect,
      ...detail,
    };
  }
}

/** While draining: another gateway, or this one after its restart, will answer. */
export function drainingError(): GatewayError {
  return new GatewayError("unavailable", "The gateway is about to stop", { retry: "reconnect" });
}

/** Close codes of `weir.v1`: 4000-4499 mean reconnect, 4500-4999 mean don't. */
export const CLOSE = {
  unsupportedData: 1003,
  messageTooBig: 1009,
  idle: 4000,
  draining: 4001,
  slowConsumer: 4002,
  tokenExpired: 4003,
  tooMany: 4004,
  noHello: 4500,
  unauthenticated: 4501,
  tooManyInvalid: 4502,
} as const;
