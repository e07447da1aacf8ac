/**
 * Whether there is a connection, and what to do when there is none: the state machine of one client's
 * link to its gateway. Pure: time and what happens come in, what to do goes out through `LinkPort`.
 *
 *     opening ──welcomed──► open ──lost──► waiting ──retry──► opening
 *         └──lost──► waiting                    any ──stop, or a code that means don't──► closed
 *
 * 1. A socket that says it is open is believed only as long as it answers. Silence for a heartbeat
 *    asks; no answer in time means lost. After a sleep it is asked at once, and answers in 2 s.
 * 2. A timer that comes late proves nothing: the process may have slept, with the answer in its
 *    queue. Then it asks anew. One that is late again with nothing heard in between is of a page that
 *    is hidden, whose timers are slow and whose messages are not: nobody answers.
 * 3. Waits have full jitter (AWS, "Exponential backoff and jitter"), so that the clients of a gateway
 *    that restarts come back spread out; a connection must last before the next wait is short again.
 */

import { WeirError } from "./errors.ts";

/**
 * Where the connection is.
 *
 * ```ts
 * weir.onState(({ status, reason, retryInMs }) => {
 *   if (status === "waiting") console.log(`${reason}; again in ${retryInMs} ms`);
 * });
 * ```
 */
export interface ConnectionState {
  /**
   * `connecting`: a socket is being opened. `open`: the gateway has greeted. `waiting`: for
   * `retryInMs`, then it connects again. `closed`: for good.
   */
  readonly status: "connecting" | "open" | "waiting" | "closed";
  /** In words, for people and logs. */
  readonly reason: string;
  /** Milliseconds until the next attempt, when it began to wait. */
  readonly retryInMs?: number;
  /** What went wrong, when `status` is `waiting` or `closed` and it was not asked for. */
  readonly error?: WeirError | undefined;
}

export interface LinkPort {
  /** Begins a new connection. */
  open(): void;
  /** Lets go of the present one. */
  drop(): void;
  heartbeat(): void;
  /** Whether an answer is awaited, or something owed, which leaving would lose. */
  isBusy(): boolean;
  changed(state: ConnectionState): void;
}

/** What the gateway said of its deadlines. */
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
/** A connection that lasted so long was one. */
const STABLE_MS = 5_000;

/** Close codes that say: don't come back. */
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
  /** Of the phases opening and waiting: when they end. */
  #until = 0;
  /** When an answer must have come; `Infinity` while nothing was asked. */
  #answerBy = Infinity;
  /** When it asked anew, since it had come too late to see whether an answer did. */
  #askedLateAt = 0;
  /** When to leave a gateway that drains. */
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

  /** The gateway has greeted. */
  welcomed(now: number, { heartbeatMs }: Welcome): void {
    if (this.#phase !== "opening") return;
    this.#phase = "open";
    this.#openedAt = this.#heardAt = this.#saidAt = now;
    this.#heartbeatMs = heartbeatMs;
    this.#answerBy = this.#leaveAt = Infinity;
    this.#port.changed({ status: "open", reason: "connected" });
  }

  /** A message came. */
  heard(now: number): void {
    this.#heardAt = now;
    this.#answerBy = Infinity;
  }

  /** A message was sent. */
  said(now: number): void {
    this.#saidAt = now;
  }

  /** The gateway is about to stop and asks to be left by then. */
  draining(now: number, afterMs: number): void {
    this.#leaveAt = now + afterMs;
  }

  /** The connection is a good one, however short it was: the next need not be waited for long. */
  worked(): void {
    this.#attempt = 0;
  }

  /** The machine may have slept, or has another network. */
  wake(now: number): void {
    if (this.#phase === "waiting") this.#open(now, "awake again");
    else if (this.#phase === "open" && !this.#isAsked(now)) this.#ask(now, PROBE_MS);
    else if (this.#phase === "opening" && this.#until - now <= OPEN_MS - PROBE_MS) {
      // One that has just begun is left its time: a page that is shown wakes once it is loaded.
      this.#until = Math.min(this.#until, now + PROBE_MS);
    }
  }

  /** The socket is gone, or never came to be. */
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

  /** For good. */
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

  /** Whether an answer must come as soon as one that was asked for now: asking again proves nothing. */
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

  /** The gateway closes in the end, whatever is awaited. */
  #leave(now: number): void {
    if (this.#port.isBusy()) this.#leaveAt = now + LEAVE_AGAIN_MS;
    else this.#giveUp(now, "the gateway drains");
  }

  #giveUp(now: number, reason: string): void {
    this.#port.drop();
    this.lost(now, 1006, reason);
  }
}
