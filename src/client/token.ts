/**
 * The token that says who this client is. A function is asked for one at each connection, and here in
 * time for another, before the gateway ends the session: what is shown then on the open socket moves
 * no partition and stops no record.
 *
 * 1. What is left of a token is told by the gateway's own clock, which the session's ULID names: that
 *    of a phone may be wrong by hours.
 * 2. Whatever the function, the gateway or a clock says, some time passes between two renewals.
 */

import type { AuthOk } from "../protocol/gateway_frames.ts";
import type { Connection, Resident } from "./connection.ts";
import { errorOf, WeirError } from "./errors.ts";
import type { Platform } from "./platform.ts";

/** A function is asked for a new token whenever one is needed. */
export type TokenSource = string | TokenFunction;
export type TokenFunction = () => string | Promise<string>;

/** How long a function may take: less than a connection has to come to be. */
const ASK_MS = 8_000;
/** The least time between two renewals. */
const RENEW_MIN_MS = 5_000;
/** The most: timers cannot be set for many weeks. */
const RENEW_MAX_MS = 24 * 3_600_000;
/** What should be left for renewals that fail. */
const SPARE_MS = 30_000;
const RETRY_MS = 1_000;
const MAX_DOUBLINGS = 5;
/** The close code of the protocol. */
const TOKEN_EXPIRED = 4003;
const ULID_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/**
 * Asks the application for a token. In the end it calls `given` or `failed`, never before it returns,
 * unless the returned function was called first.
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

/** What a closed socket says of a token that nothing renews: it will be refused. */
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

/** Shows the gateway a new token before the present one ends, for as long as there is a connection. */
export class Renewal implements Resident {
  readonly #connection: Connection;
  readonly #source: TokenFunction;
  /** How far the gateway's clock is ahead of the platform's. */
  #aheadMs = 0;
  #failures = 0;
  /** Ends what is under way. */
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

  /** The session goes on as it was, until its token ends. */
  #failed(error: WeirError): void {
    this.#connection.note(error);
    const most = RETRY_MS * 2 ** Math.min(this.#failures++, MAX_DOUBLINGS);
    const ms = most * (1 + this.#connection.platform.random()) / 2;
    this.#renewIn(Math.max(ms, error.detail.retryAfterMs ?? 0));
  }
}

/**
 * About four fifths of what is left, not all clients at once, and with something to spare where that
 * leaves at least half.
 */
export function untilRenewal(leftMs: number, random: number): number {
  const early = Math.min(leftMs * (0.75 + random / 10), leftMs - SPARE_MS);
  return Math.min(RENEW_MAX_MS, Math.max(RENEW_MIN_MS, early, leftMs / 2));
}

/** When a ULID was made, in milliseconds since 1970. */
function timeOf(ulid: string): number {
  let ms = 0;
  for (const digit of ulid.slice(0, 10)) ms = ms * 32 + ULID_DIGITS.indexOf(digit);
  return ms;
}
