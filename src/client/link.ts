/**
 * Whether there is a connection, and what to do when there is none: the state machine of a client's
 * link to its gateway. Pure: times and events come in, actions go out through `LinkPort`.
 *
 *     opening ──welcomed──► open ──lost──► waiting ──retry──► opening
 *         └──lost──► waiting                    any ──stop, or a final close code──► closed
 *
 * 1. A socket counts as open only as long as the gateway answers. After a silence of one heartbeat
 *    interval the client asks for an answer; if none comes in time, the connection is lost. After a
 *    sleep it asks at once, and waits 2 s.
 * 2. A late timer proves nothing: the process may have slept, with the answer in its queue. So it
 *    asks once more. If the timer is late again and nothing was received in between, the page is
 *    hidden, so that its timers are slow but its messages are not: nobody answers.
 * 3. Waits have full jitter (AWS, "Exponential backoff and jitter"), so that the clients of a
 *    restarting gateway reconnect spread out. Only a connection that lasts resets the backoff.
 */

import { WeirError } from "./errors.ts";

/**
 * The state of the connection.
 *
 * ```ts
 * weir.onState(({ status, reason, retryInMs }) => {
 *   if (status === "waiting") console.log(`${reason}; again in ${retryInMs} ms`);
 * });
 * ```
 */
export interface ConnectionState {
  /**
   * `connecting`: a socket is being opened. `open`: the gateway has answered `hello`. `waiting`:
   * reconnects after `retryInMs`. `closed`: for good.
   */
  readonly status: "connecting" | "open" | "waiting" | "closed";
  /** The reason in words, for people and logs. */
  readonly reason: string;
  /** Milliseconds until the next attempt, from when it began to wait. */
  readonly retryInMs?: number;
  /** The error, if `status` is `waiting` or `closed` and the application did not close it. */
  readonly error?: WeirError | undefined;
}

export interface LinkPort {
  /** Begins a new connection. */
  open(): void;
  /** Drops the current connection. */
  drop(): void;
  heartbeat(): void;
  /** Whether an answer is awaited, or a revocation is not finished: leaving would lose it. */
  isBusy(): boolean;
  changed(state: ConnectionState): void;
}

/** The deadlines that the gateway has announced. */
export interface Welcome {
  readonly heartbeatMs: number;
}

const OPEN_MS = 10_000;
const PROBE_MS = 2_000;
const ANSWER_MAX_MS = 10_000;
/** A timer later than this means that the process has slept. */
const LATE_MS = 1_000;
const BACKOFF_MS = 500;
const BACKOFF_MAX_MS = 20_000;
const LEAVE_AGAIN_MS = 100;
/** A connection that lasts this long resets the backoff. */
const STABLE_MS = 5_000;

/** Whether a close code means: do not reconnect. */
export function isFinal(code: number): boolean {
  return /^(100[23789]|4[5-9]..)$/.test(`${code}`);
}

export class Link {
  readonly #port: LinkPort;
  readonly #random: () => number;
  #phase: "idle" | "opening" | "open" | "waiting" | "closed" = "idle";
  #attempt = 0;
  #openedAt = 0;
  #heartbeatMs = 15_000;
  #heardAt = 0;
  #saidAt = 0;
  /** When the phase `opening` or `waiting` ends. */
  #until = 0;
  /** The deadline for an answer; `Infinity` while none is expected. */
  #answerBy = Infinity;
  /** When it last asked again because its timer was late. */
  #askedLateAt = 0;
  /** When to leave a draining gateway. */
  #leaveAt = Infinity;

  constructor(port: LinkPort, random: () => number) {
    this.#port = port;
    this.#random = random;
  }

  get isOpen(): boolean {
    return this.#phase === "open";
  }

  get isClosed(): boolean {
    return this.#phase === "closed";
  }

  /** When `tick` has something to do. */
  get deadline(): number {
    if (this.#phase === "opening" || this.#phase === "waiting") return this.#until;
    if (this.#phase !== "open") return Infinity;
    const quietBy = Math.min(this.#heardAt, this.#saidAt) + this.#heartbeatMs;
    return Math.min(this.#answerBy === Infinity ? quietBy : this.#answerBy, this.#leaveAt);
  }

  start(now: number): void {
    if (this.#phase === "idle") this.#open(now, "connecting");
  }

  /** The gateway has answered `hello`. */
  welcomed(now: number, { heartbeatMs }: Welcome): void {
    if (this.#phase !== "opening") return;
    this.#phase = "open";
    this.#openedAt = this.#heardAt = this.#saidAt = now;
    this.#heartbeatMs = heartbeatMs;
    this.#answerBy = this.#leaveAt = Infinity;
    this.#port.changed({ status: "open", reason: "connected" });
  }

  /** A message was received. */
  heard(now: number): void {
    this.#heardAt = now;
    this.#answerBy = Infinity;
  }

  /** A message was sent. */
  said(now: number): void {
    this.#saidAt = now;
  }

  /** The gateway is about to stop, and asks its clients to reconnect after this time. */
  draining(now: number, afterMs: number): void {
    this.#leaveAt = now + afterMs;
  }

  /** The connection works, even if it was short: resets the backoff. */
  worked(): void {
    this.#attempt = 0;
  }

  /** The machine may have slept or changed its network. */
  wake(now: number): void {
    if (this.#phase === "waiting") this.#open(now, "awake again");
    else if (this.#phase === "open" && !this.#isAsked(now)) this.#ask(now, PROBE_MS);
    else if (this.#phase === "opening" && this.#until - now <= OPEN_MS - PROBE_MS) {
      // A recent attempt keeps its time: a page gets this event also when it has just loaded.
      this.#until = Math.min(this.#until, now + PROBE_MS);
    }
  }

  /** The socket was closed, or could not be opened. */
  lost(now: number, code: number, reason: string, error?: WeirError): void {
    if (this.#phase !== "opening" && this.#phase !== "open") return;
    const lasted = this.#phase === "open" && now - this.#openedAt >= STABLE_MS;
    this.#attempt = lasted ? 0 : this.#attempt + 1;
    const words = reason === "" ? `the connection closed with ${code}` : `${reason} (${code})`;
    if (isFinal(code)) {
      return this.stop(words, error ?? new WeirError("refused", words, { closeCode: code }));
    }
    const why = error ?? new WeirError("connection_lost", words, { retry: "reconnect" });
    const most = BACKOFF_MS * 2 ** this.#attempt;
    const jittered = this.#random() * Math.min(BACKOFF_MAX_MS, most);
    const retryInMs = Math.max(jittered, error?.detail.retryAfterMs ?? 0);
    this.#phase = "waiting";
    this.#until = now + retryInMs;
    this.#port.changed({ status: "waiting", reason: words, retryInMs, error: why });
  }

  /** Closes the link for good. */
  stop(reason: string, error?: WeirError): void {
    if (this.#phase === "closed") return;
    this.#phase = "closed";
    this.#port.drop();
    this.#port.changed({ status: "closed", reason, error });
  }

  /** Acts on the deadline, if it has passed. */
  tick(now: number): void {
    if (now < this.deadline) return;
    switch (this.#phase) {
      case "opening":
        return this.#giveUp(now, `no answer within ${OPEN_MS / 1_000} s`);
      case "waiting":
        return this.#open(now, "connecting again");
      case "open":
        if (now >= this.#leaveAt) return this.#leave(now);
        if (now < this.#answerBy) return this.#ask(now, this.#answerMs);
        if (now - this.#answerBy > LATE_MS && this.#askedLateAt <= this.#heardAt) {
          this.#askedLateAt = now;
          return this.#ask(now, PROBE_MS);
        }
        return this.#giveUp(now, "the gateway does not answer");
    }
  }

  get #answerMs(): number {
    return Math.min(ANSWER_MAX_MS, Math.max(PROBE_MS, this.#heartbeatMs));
  }

  /**
   * Whether an answer is expected as early as if it asked now: asking again would prove nothing.
   */
  #isAsked(now: number): boolean {
    return now < this.#answerBy && this.#answerBy <= now + PROBE_MS;
  }

  #ask(now: number, withinMs: number): void {
    this.#answerBy = now + withinMs;
    this.#port.heartbeat();
  }

  #open(now: number, reason: string): void {
    this.#phase = "opening";
    this.#until = now + OPEN_MS;
    this.#port.open();
    this.#port.changed({ status: "connecting", reason });
  }

  /** Waits for what is unfinished: at the end of the drain, the gateway closes the connection. */
  #leave(now: number): void {
    if (this.#port.isBusy()) this.#leaveAt = now + LEAVE_AGAIN_MS;
    else this.#giveUp(now, "the gateway drains");
  }

  #giveUp(now: number, reason: string): void {
    this.#port.drop();
    this.lost(now, 1006, reason);
  }
}
