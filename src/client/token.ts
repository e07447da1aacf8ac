/**
 * The client's token. A token function is called for each connection, and again before the token
 * expires: the new token is sent on the open socket, which moves no partition and delays no record.
 *
 * 1. The remaining time is measured by the gateway's clock, which the session's ULID tells: that of
 *    a phone may be wrong by hours.
 * 2. There is a minimum time between two renewals, whatever the function, the gateway or a clock
 *    says.
 */

import type { AuthOk } from "../protocol/gateway_frames.ts";
import type { Connection, Resident } from "./connection.ts";
import { errorOf, WeirError } from "./errors.ts";
import type { Platform } from "./platform.ts";

/** A token, or a function that is called whenever a new one is needed. */
export type TokenSource = string | TokenFunction;
export type TokenFunction = () => string | Promise<string>;

/** How long a function may take: less than the time that a connection has to open. */
const ASK_MS = 8_000;
/** The minimum time until a renewal. */
const RENEW_MIN_MS = 5_000;
/** The maximum: timers cannot be set for many weeks. */
const RENEW_MAX_MS = 24 * 3_600_000;
/** The time that should be left for retries if a renewal fails. */
const SPARE_MS = 30_000;
const RETRY_MS = 1_000;
const MAX_DOUBLINGS = 5;
/** The protocol's close code for an expired token. */
const TOKEN_EXPIRED = 4003;
const ULID_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/**
 * Asks the application for a token. Calls `given` or `failed` after it has returned, unless the
 * returned function is called first.
 */
export function askToken(
  platform: Platform,
  source: TokenFunction,
  given: (token: string) => void,
  failed: (error: WeirError) => void,
): () => void {
  let isOver = false;
  const finish = (settle: () => void) => {
    if (isOver) return;
    forget();
    settle();
  };
  const fail = (why: unknown) =>
    finish(() => failed(new WeirError("unauthenticated", `No token: ${why}`, { retry: "same" })));
  const cancel = platform.after(ASK_MS, () => fail("the function takes too long"));
  const forget = () => {
    isOver = true;
    cancel();
  };
  Promise.resolve().then(source).then((token) => {
    if (typeof token === "string") finish(() => given(token));
    else fail(`the function gave ${typeof token}`);
  }, fail);
  return forget;
}

/** The error if the socket was closed because a token expired that cannot be renewed. */
export function expiredError(source: TokenSource | undefined, code: number): WeirError | undefined {
  if (code !== TOKEN_EXPIRED || typeof source !== "string") return undefined;
  return new WeirError(
    "unauthenticated",
    "The token has expired: only a function renews it",
    {
      closeCode: code,
      retry: "reconnect",
    },
  );
}

/** Renews the token before it expires, while there is a connection. */
export class Renewal implements Resident {
  readonly #connection: Connection;
  readonly #source: TokenFunction;
  /** The gateway's clock minus the platform's. */
  #aheadMs = 0;
  #failures = 0;
  /** Cancels the timer or call in progress. */
  #cancel = () => {};

  constructor(connection: Connection, source: TokenFunction) {
    this.#connection = connection;
    this.#source = source;
  }

  opened(): void {
    const { welcome, platform } = this.#connection;
    if (!welcome) return;
    this.#aheadMs = timeOf(welcome.session) - platform.now();
    this.#granted(welcome.expiresAt);
  }

  lost(): void {
    this.#cancel();
  }

  stopped(): void {
    this.#cancel();
  }

  #granted(expiresAt: number | undefined): void {
    this.#failures = 0;
    if (expiresAt === undefined) return;
    const { platform } = this.#connection;
    const leftMs = expiresAt - this.#aheadMs - platform.now();
    this.#renewIn(untilRenewal(leftMs, platform.random()));
  }

  #renewIn(ms: number): void {
    this.#cancel = this.#connection.platform.after(ms, () => this.#renew());
  }

  #renew(): void {
    const connection = this.#connection;
    const failed = (error: WeirError) => this.#failed(error);
    this.#cancel = askToken(connection.platform, this.#source, (token) => {
      connection.request("auth", { token }, (reply) => {
        if (reply.type === "error") failed(errorOf(reply));
        else this.#granted((reply as AuthOk).expiresAt);
      });
    }, failed);
  }

  /** Retries later: the session continues until its token expires. */
  #failed(error: WeirError): void {
    this.#connection.note(error);
    const most = RETRY_MS * 2 ** Math.min(this.#failures++, MAX_DOUBLINGS);
    const ms = most * (1 + this.#connection.platform.random()) / 2;
    this.#renewIn(Math.max(ms, error.detail.retryAfterMs ?? 0));
  }
}

/**
 * When to renew: after about four fifths of the remaining time, with jitter, and `SPARE_MS` before
 * its end unless that is less than half of it.
 */
export function untilRenewal(leftMs: number, random: number): number {
  const early = Math.min(leftMs * (0.75 + random / 10), leftMs - SPARE_MS);
  return Math.min(RENEW_MAX_MS, Math.max(RENEW_MIN_MS, early, leftMs / 2));
}

/** The time in a ULID, in milliseconds since 1970. */
function timeOf(ulid: string): number {
  let ms = 0;
  for (const digit of ulid.slice(0, 10)) ms = ms * 32 + ULID_DIGITS.indexOf(digit);
  return ms;
}
