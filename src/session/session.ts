/**
 * One connection: its state, its open requests, its subscriptions. Frames come in by `receive`, and
 * everything goes out through the outbox. `tick` acts on its deadlines.
 *
 *     opening ──hello──► greeting ──► open ──► closed      from all to closed: by the peer, by `tick`,
 *        ▲──unavailable──────┘                             and where the protocol says so
 *
 * While its token is checked (`greeting`), what comes behind `hello` waits.
 */

import { unreachable } from "../assert.ts";
import type { Broker } from "../broker.ts";
import { CLOSE, drainingError, GatewayError } from "../errors.ts";
import { type Host, newId } from "../host/host.ts";
import type { Authenticate } from "../identity/identity.ts";
import type { Subjects } from "../identity/subjects.ts";
import { noLongerAllowed } from "../identity/rights.ts";
import { ADVERTISED, SESSION } from "../limits.ts";
import { type Decoded, decodeMessage, errorFrame, pushFrame } from "../protocol/codec.ts";
import type { ClientFrame, FrameOf } from "../protocol/frames.ts";
import { Consuming } from "./consuming.ts";
import { Credentials } from "./credentials.ts";
import { Liveness } from "./liveness.ts";
import type { Muting } from "./muting.ts";
import { Outbox } from "./outbox.ts";
import type { Parts } from "./parts.ts";
import { Producing } from "./producing.ts";
import { Reading } from "./reading.ts";
import { Requests } from "./requests.ts";
import { Rest } from "./rest.ts";
import { Subscriptions } from "./subscriptions.ts";
import type { Turn } from "./turn.ts";
import { Turnstile } from "./turnstile.ts";
import type { Wire } from "./wire.ts";

/** What all sessions of a gateway share. */
export interface SessionContext {
  readonly host: Host;
  readonly broker: Broker;
  readonly turn: Turn;
  readonly muting: Muting;
  readonly authenticate: Authenticate;
  readonly subjects: Subjects;
  /** Name and version, as the reply to `hello` has it. */
  readonly server: string;
  readonly heartbeatMs: number;
  readonly sessionTimeoutMs: number;
  /** The session is over. */
  ended(session: Session): void;
}

export class Session {
  readonly #context: SessionContext;
  readonly #wire: Wire;
  readonly #outbox: Outbox;
  readonly #requests: Requests;
  readonly #subscriptions = new Subscriptions();
  readonly #producing: Producing;
  readonly #reading: Reading;
  readonly #consuming: Consuming;
  readonly #liveness: Liveness;
  readonly #credentials: Credentials;
  readonly #rest: Rest;
  #state: "opening" | "greeting" | "open" | "closed" = "opening";
  /** What came behind a `hello` that is not answered yet. */
  #early: Decoded[] = [];
  /** Why the last `hello` was refused for now: the error of what came behind it, too. */
  #turnedAway: GatewayError | undefined;
  #draining = false;

  constructor(wire: Wire, context: SessionContext) {
    const { host, broker, turn, authenticate, subjects } = context;
    this.#context = context;
    this.#wire = wire;
    const outbox = new Outbox(wire, turn);
    this.#outbox = outbox;
    this.#rest = new Rest(host.clock, wire.canPause ? context.muting : undefined, () => {
      if (!this.#isClosed) this.#wire.reconsider();
    });
    this.#requests = new Requests(outbox, host.telemetry, this.#rest);
    this.#credentials = new Credentials(host, authenticate);
    const parts: Parts = {
      broker,
      who: this.#credentials,
      subjects,
      requests: this.#requests,
      subscriptions: this.#subscriptions,
      turnstile: new Turnstile(),
      rest: this.#rest,
      sink: outbox,
    };
    this.#producing = new Producing(parts);
    this.#reading = new Reading(parts);
    this.#consuming = new Consuming(parts);
    this.#liveness = new Liveness(host.clock.monotonic(), context);
  }

  /** One whole text message, as UTF-8. */
  receive(message: Uint8Array): void {
    if (this.#state === "closed") return;
    if (this.#state !== "open" && !this.#liveness.countEarly(message.length)) {
      return this.#close(CLOSE.messageTooBig, "too much before hello");
    }
    this.#liveness.heard(this.#context.host.clock.monotonic());
    const all = decodeMessage(message);
    if (all.some(({ error }) => error)) {
      this.#rest.add(Math.floor(message.length / SESSION.refusedBytesPerMs));
    }
    for (const decoded of all) {
      if (this.#isClosed) return;
      this.#take(decoded);
    }
  }

  /** The socket has room again. */
  writable(): void {
    if (this.#outbox.full) return;
    for (const [, { feed }] of this.#subscriptions.entries()) feed.resume();
  }

  /** Nothing more is read for now: the client does not read, or must rest. */
  get congested(): boolean {
    return !this.#isClosed && (this.#outbox.full || this.#rest.resting);
  }

  get greeted(): boolean {
    return this.#state === "open";
  }

  countRaw(bytes: number): boolean {
    return this.#liveness.countRaw(bytes);
  }

  /** The socket is gone. */
  closed(): void {
    if (this.#state === "closed") return;
    if (this.#state === "open") this.#context.subjects.leave(this.#credentials.identity);
    this.#state = "closed";
    this.#rest.stop();
    this.#outbox.drop();
    this.#subscriptions.end();
    this.#context.ended(this);
  }

  /** The gateway was blocked for so long and has read nothing. */
  excuse(ms: number): void {
    this.#liveness.excuse(ms);
  }

  /** Acts on what is due. `now` is on the monotonic clock. */
  tick(now: number): void {
    if (this.#state === "closed") return;
    if (this.#outbox.stuck(now)) return this.#cutOff(CLOSE.slowConsumer, "slow consumer");
    if (this.#state === "greeting") return;
    // It was told to reconnect, and what came with its hello is answered too.
    if (this.#turnedAway?.retry === "reconnect") return this.endDrained();
    if (this.#credentials.haveEnded) return this.#close(CLOSE.tokenExpired, "token expired");
    // Nothing is read from it now: its silence does not count.
    if (this.#state === "open" && this.congested) return this.#liveness.heard(now);
    const due = this.#liveness.due(now, this.#state);
    if (due === "ping") this.#outbox.push(pushFrame("ping"));
    else if (due === "no hello") this.#close(CLOSE.noHello, "no hello in time");
    else if (due === "idle") this.#cutOff(CLOSE.idle, "idle");
  }

  /** The gateway is shutting down: no new subscriptions; tells the client when to reconnect. */
  drain(reconnectAfterMs: number): void {
    this.#draining = true;
    if (this.#state === "open") this.#outbox.push(pushFrame("drain", { reconnectAfterMs }));
  }

  /** Whether all its requests are answered, and it is not resting. */
  get isQuiet(): boolean {
    return this.#requests.none && !this.#rest.resting;
  }

  endDrained(): void {
    this.#close(CLOSE.draining, "draining");
  }

  get #isClosed(): boolean {
    return this.#state === "closed";
  }

  #take(decoded: Decoded): void {
    const { frame, error } = decoded;
    if (this.#state === "opening") return this.#open(decoded);
    if (this.#state === "greeting") return void this.#early.push(decoded);
    if (error) {
      for (const stamp of decoded.stamps) this.#producing.refused(stamp);
      return this.#refuse(decoded.id, error);
    }
    const { id } = frame;
    if (frame.type === "hello") {
      return this.#refuse(id, new GatewayError("invalid_frame", "hello was said before"));
    }
    if (id !== undefined && this.#requests.isOpen(id)) {
      const inUse = new GatewayError("invalid_frame", `id ${id} is that of an open request`);
      this.#producing.passOver(frame);
      return this.#refuse(undefined, inUse);
    }
    if (needsRoom(frame) && this.#requests.isFull(frame.type)) return this.#overloaded(frame);
    this.#context.host.telemetry.count("frames_total");
    if (needsRoom(frame)) this.#requests.begin(id);
    this.#handle(frame);
  }

  #open({ frame, error, id }: Decoded): void {
    if (frame?.type === "hello") return this.#hello(frame);
    if (this.#turnedAway) return this.#answer(frame?.id ?? id, this.#turnedAway);
    const refusal = error && error.code !== "unknown_type"
      ? error
      : new GatewayError("unauthenticated", "The first frame must be hello");
    this.#outbox.push(errorFrame(frame?.id ?? id, refusal));
    this.#close(CLOSE.unauthenticated, refusal.code);
  }

  #hello({ id, token }: FrameOf<"hello">): void {
    this.#state = "greeting";
    this.#requests.begin(id);
    if (this.#draining) return this.#turnAway(id, drainingError());
    this.#credentials.present(
      token,
      () => this.#welcome(id),
      (error) => this.#turnAway(id, this.#requests.asGatewayError(error)),
    );
  }

  #welcome(id: number): void {
    if (this.#isClosed) return;
    if (this.#draining) return this.#turnAway(id, drainingError());
    const { host, server, heartbeatMs, sessionTimeoutMs, subjects } = this.#context;
    try {
      subjects.enter(this.#credentials.identity);
    } catch (error) {
      return this.#turnAway(id, this.#requests.asGatewayError(error));
    }
    this.#state = "open";
    this.#requests.ok(id, {
      session: newId(host),
      server,
      heartbeatMs,
      sessionTimeoutMs,
      limits: ADVERTISED,
      ...this.#credentials.fields,
    });
    if (this.#credentials.haveEnded) return this.#close(CLOSE.tokenExpired, "token expired");
    for (const decoded of this.#early.splice(0)) {
      if (this.#isClosed) return;
      this.#take(decoded);
    }
  }

  /** Refuses `hello`, and what came behind it. If that is temporary, it may try again. */
  #turnAway(id: number, error: GatewayError): void {
    if (this.#isClosed) return;
    this.#requests.fail(id, error);
    if (error.code === "rate_limited") return this.#close(CLOSE.tooMany, error.code);
    if (error.code !== "unavailable") return this.#close(CLOSE.unauthenticated, error.code);
    this.#state = "opening";
    this.#turnedAway = error;
    const { retryAfterMs = 0 } = error.detail;
    this.#liveness.opened(this.#context.host.clock.monotonic() + retryAfterMs);
    for (const { frame, id } of this.#early.splice(0)) this.#answer(frame?.id ?? id, error);
  }

  /** Refuses a request that is not open; what has no id gets no reply. */
  #answer(id: number | undefined, error: GatewayError): void {
    if (id !== undefined) this.#outbox.push(errorFrame(id, error));
  }

  async #auth({ id, token }: FrameOf<"auth">): Promise<void> {
    try {
      await this.#credentials.renew(token);
      if (this.#isClosed) return;
      this.#requests.ok(id, this.#credentials.fields);
      this.#endForbidden();
    } catch (error) {
      this.#requests.refuse(id, error);
    }
  }

  /** Ends the subscriptions that its new token does not allow. */
  #endForbidden(): void {
    const { rights } = this.#credentials.identity;
    for (const [number, { kind, needs }] of [...this.#subscriptions.entries()]) {
      if (rights.allows(needs)) continue;
      const verbs = kind === "group" ? this.#consuming : this.#reading;
      verbs.end(number, noLongerAllowed());
    }
  }

  #handle(frame: Exclude<ClientFrame, FrameOf<"hello">>): void {
    switch (frame.type) {
      case "publish":
        return this.#producing.publish(frame);
      case "heartbeat":
        return this.#heartbeat(frame);
      case "credit":
        return this.#reading.credit(frame);
      case "commit":
        return this.#consuming.commit(frame);
      case "release":
        return this.#consuming.release(frame);
      case "transact":
        return this.#producing.transact(frame);
      case "initProducer":
        return this.#producing.initProducer(frame);
      case "subscribe":
        return this.#begin(frame.id, () => this.#reading.subscribe(frame));
      case "join":
        return this.#begin(frame.id, () => this.#consuming.join(frame));
      case "unsubscribe":
        return this.#reading.unsubscribe(frame);
      case "seek":
        return this.#reading.seek(frame);
      case "leave":
        return this.#consuming.leave(frame);
      case "auth":
        return void this.#auth(frame);
      default:
        return unreachable(frame);
    }
  }

  #begin(id: number, begin: () => void): void {
    if (this.#draining) this.#requests.fail(id, drainingError());
    else begin();
  }

  #heartbeat({ id }: FrameOf<"heartbeat">): void {
    if (id !== undefined) this.#requests.ok(id);
    const heads = this.#subscriptions.heads(this.#context.host.clock.monotonic());
    this.#outbox.push(pushFrame("heartbeat", { heads }));
  }

  #overloaded(frame: ClientFrame): void {
    this.#producing.passOver(frame);
    this.#rest.add(SESSION.restMs);
    const message = `${ADVERTISED.inFlight} requests of this session are open`;
    const error = new GatewayError("overloaded", message, { retryAfterMs: SESSION.restMs });
    this.#answer(frame.id, error);
  }

  /** Answers an invalid or unknown frame; one that is only too large, if it has an id. */
  #refuse(id: number | undefined, error: GatewayError): void {
    const isOpen = id !== undefined && this.#requests.isOpen(id);
    if (id !== undefined || isForeign(error)) {
      this.#outbox.push(errorFrame(isOpen ? undefined : id, error));
    }
    this.#context.host.telemetry.count("frames_refused_total");
    if (isForeign(error) && this.#liveness.invalid(this.#context.host.clock.monotonic())) {
      this.#close(CLOSE.tooManyInvalid, "too many invalid frames");
    }
  }

  /** Closes after sending what is waiting. */
  #close(code: number, reason: string): void {
    if (this.#isClosed) return;
    this.#outbox.flush();
    this.#wire.close(code, reason);
    this.closed();
    this.#wire.reconsider();
  }

  /** Closes without waiting for a peer that does not read, or is gone. */
  #cutOff(code: number, reason: string): void {
    this.#wire.close(code, reason);
    this.closed();
    this.#context.host.clock.after(SESSION.closeMs, () => this.#wire.terminate());
  }
}

/** Whether a frame was invalid or unknown, not just too large. */
function isForeign({ code }: GatewayError): boolean {
  return code === "invalid_frame" || code === "unknown_type";
}

/** Requests count as open, and so do publishes and releases without an id. */
function needsRoom({ id, type }: ClientFrame): boolean {
  return id !== undefined || type === "publish" || type === "release";
}
