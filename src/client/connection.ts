/**
 * The connection to a gateway, over one socket after another: sends `hello`, matches replies to
 * requests and pushes to subscriptions, and sends all frames of a turn in one message. What
 * outlives a socket (producers, subscriptions, queued publishes) is a `Resident`: it is told when
 * there is a connection and when it is lost, and restores itself.
 */

import type {
  ErrorFrame,
  GatewayFrame,
  Head,
  HelloOk,
  Limits,
  OkFrame,
  SubscriptionPush,
} from "../protocol/gateway_frames.ts";
import { Alarm } from "./alarm.ts";
import { errorOf, WeirError } from "./errors.ts";
import { guarded } from "./guarded.ts";
import { type ConnectionState, Link } from "./link.ts";
import type { ClientSocket, Platform } from "./platform.ts";
import { askToken, expiredError, type TokenSource } from "./token.ts";

/** A part of the client that outlives sockets. */
export interface Resident {
  /** There is a connection. */
  opened(): void;
  /** The connection was lost: nothing that was sent on it will be answered. */
  lost(): void;
  /** Whether something is unfinished that leaving the gateway would lose. */
  readonly isBusy?: boolean;
  /** There may be room for another request, after there was none. */
  roomy?(): void;
  /** The client has closed for good. */
  stopped(error: WeirError): void;
  /** The page is about to be unloaded: this is the last chance to send. */
  unloading?(): void;
}

/** What applications close. */
export interface Closable {
  close(): Promise<void>;
}

/** Receives the pushes of one subscription. */
export interface Receiver {
  pushed(frame: SubscriptionPush): void;
  /** All records of a partition before `next` were pushed; its log ends at `end`. */
  heads(heads: readonly Head[]): void;
}

export interface Hello {
  readonly token: TokenSource | undefined;
  readonly client: { readonly name: string; readonly version: string };
}

/** Gets the reply. Not called if the connection is lost first: see `Resident.lost`. */
export type OnReply = (reply: OkFrame | ErrorFrame) => void;

/**
 * A gateway waits 5 s for `hello`, and then closes the connection for good. A client that slept
 * while the socket opened should open another one.
 */
const GREET_MS = 4_000;
const FRAMES_MAX = 64;
/** The most characters of one message: each may take three bytes. */
const MESSAGE_CHARACTERS = 300_000;

/** The limits that the client observes. The gateway enforces the others. */
type KnownLimits = Pick<Limits, "messageBytes" | "publishPartitions" | "inFlight">;

/** The limits to assume until the gateway has sent its own: see section 8 of the protocol. */
const LIMITS: KnownLimits = { messageBytes: 1_048_576, publishPartitions: 128, inFlight: 1_024 };

export class Connection {
  readonly platform: Platform;
  readonly #url: string;
  readonly #hello: Hello;
  readonly #link: Link;
  /** Each with its public object, if applications can close it. */
  readonly #residents = new Map<Resident, Closable | undefined>();
  readonly #listeners = new Set<(state: ConnectionState) => void>();
  readonly #stopListening: () => void;
  #socket: ClientSocket | undefined;
  /** The error that the gateway sent before it closed the socket. */
  #refusal: WeirError | undefined;
  #waiting = new Map<number, OnReply>();
  #receivers = new Map<number, Receiver>();
  /** Cancels what `later` has scheduled on this connection. */
  readonly #planned = new Set<() => void>();
  #id = 0;
  #out: string[] = [];
  readonly #alarm: Alarm;
  #state: ConnectionState = { status: "connecting", reason: "connecting" };
  #lastError: WeirError | undefined;
  #welcome: HelloOk | undefined;

  constructor(platform: Platform, url: string, hello: Hello) {
    this.platform = platform;
    this.#url = url;
    this.#hello = hello;
    this.#link = new Link({
      open: () => this.#open(),
      drop: () => this.#drop(),
      heartbeat: () => this.push(`{"type":"heartbeat"}`),
      changed: (state) => this.#changed(state),
      isBusy: () => this.#waiting.size > 0 || [...this.#residents.keys()].some((one) => one.isBusy),
    }, () => platform.random());
    this.#alarm = new Alarm(platform, () => {
      this.#link.tick(platform.now());
      this.#arm();
    });
    const undo = [platform.onWake(() => this.probe()), platform.onUnload(() => this.#unload())];
    this.#stopListening = () => undo.forEach((stop) => stop());
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** The last error, if there was one. */
  get lastError(): WeirError | undefined {
    return this.#lastError;
  }

  /** The gateway's last answer to `hello`. */
  get welcome(): HelloOk | undefined {
    return this.#welcome;
  }

  get limits(): KnownLimits {
    return this.#welcome?.limits ?? LIMITS;
  }

  get isOpen(): boolean {
    return this.#link.isOpen;
  }

  /**
   * Whether there is room for a request that can wait: half of the room is for those that cannot.
   */
  get hasRoom(): boolean {
    return this.#link.isOpen && this.#waiting.size < this.limits.inFlight / 2;
  }

  start(): void {
    this.#link.start(this.platform.now());
    this.#arm();
  }

  /** Checks that the gateway answers, or connects at once if there is no connection. */
  probe(): void {
    this.#link.wake(this.platform.now());
    this.#arm();
  }

  /** Replaces the connection by a new one. */
  restart(reason: string): void {
    if (!this.#link.isOpen) return;
    this.#link.worked();
    this.#giveUp(reason);
  }

  /** Records an error that does not end the connection. */
  note(error: WeirError): void {
    this.#lastError = error;
  }

  close(): void {
    this.#flush();
    this.#link.stop("closed by the application");
  }

  /** Adds a listener. Returns how to remove it. */
  onState(listener: (state: ConnectionState) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Adds a resident. It is told at once if there is a connection. */
  add(resident: Resident, closable?: Closable): void {
    this.#residents.set(resident, closable);
    if (this.#link.isOpen) resident.opened();
    if (this.#link.isClosed) resident.stopped(this.#whyStopped());
  }

  remove(resident: Resident): void {
    this.#residents.delete(resident);
  }

  /** What to close together with the client. */
  get closables(): Closable[] {
    return [...this.#residents.values()].filter((closable) => closable !== undefined);
  }

  receive(subscription: number, receiver: Receiver): void {
    this.#receivers.set(subscription, receiver);
  }

  unreceive(subscription: number): void {
    this.#receivers.delete(subscription);
  }

  /** Sends a request. Its `further` members are an object, or JSON without the braces. */
  request(type: string, further: object | string, onReply: OnReply): void {
    const id = this.#id = idBehind(this.#id);
    this.#waiting.set(id, onReply);
    const members = typeof further === "string" ? further : JSON.stringify(further).slice(1, -1);
    this.push(`{"type":"${type}","id":${id}${members === "" ? "" : `,${members}`}}`);
  }

  /** Sends a frame that has no reply. */
  push(frame: string): void {
    this.#out.push(frame);
    if (this.#out.length > 1) return;
    Promise.resolve().then(() => this.#flush());
  }

  /** Calls `run` once, `ms` later, unless this connection is lost by then. */
  later(ms: number, run: () => void): void {
    const cancel = this.platform.after(ms, () => {
      this.#planned.delete(cancel);
      run();
    });
    this.#planned.add(cancel);
  }

  /** Calls all current residents; some may be removed and others added meanwhile. */
  #tell(what: (resident: Resident) => void): void {
    for (const resident of [...this.#residents.keys()]) what(resident);
  }

  #unload(): void {
    if (!this.#link.isOpen) return;
    this.#tell((resident) => resident.unloading?.());
    this.#flush();
  }

  /** Sends all frames of a turn in as few messages as possible. */
  #flush(): void {
    const socket = this.#socket;
    const frames = this.#out;
    this.#out = [];
    if (!socket || frames.length === 0) return;
    for (let from = 0; from < frames.length;) {
      let to = from;
      let size = 0;
      do size += (frames[to++] as string).length; while (
        to < frames.length && to - from < FRAMES_MAX &&
        size + (frames[to] as string).length <= MESSAGE_CHARACTERS
      );
      const one = to - from === 1;
      socket.send(one ? frames[from] as string : `[${frames.slice(from, to).join()}]`);
      from = to;
    }
    this.#link.said(this.platform.now());
  }

  /** Gets the token before it connects, since the gateway does not wait long for `hello`. */
  #open(): void {
    const { token } = this.#hello;
    this.#refusal = undefined;
    if (typeof token !== "function") return this.#connect(token);
    const drop = askToken(
      this.platform,
      token,
      (given) => this.#connect(given),
      (error) => this.#giveUp(error.message, error),
    );
    this.#socket = { send() {}, drop };
  }

  #connect(token: string | undefined): void {
    const begun = this.platform.now();
    const socket = this.platform.open(this.#url, {
      opened: () => {
        if (this.#socket !== socket) return;
        if (this.platform.now() - begun > GREET_MS) this.#giveUp("opened too late to say hello");
        else this.#greet(token);
      },
      message: (text) => {
        if (this.#socket === socket) this.#received(text);
      },
      closed: (code, reason) => {
        if (this.#socket !== socket) return;
        this.#giveUp(reason, this.#refusal ?? expiredError(this.#hello.token, code), code);
      },
    });
    this.#socket = socket;
  }

  #giveUp(reason: string, error?: WeirError, code = 1006): void {
    this.#drop();
    this.#link.lost(this.platform.now(), code, reason, error);
    this.#arm();
  }

  #greet(token: string | undefined): void {
    this.request("hello", { ...this.#hello, token }, (reply) => {
      if (reply.type === "error") {
        const error = errorOf(reply);
        const isRenewed = error.code === "unauthenticated" && token !== this.#hello.token;
        if (error.retry !== "never" || isRenewed) return this.#giveUp(error.message, error);
        return this.#link.stop(error.message, error);
      }
      this.#welcome = reply as HelloOk;
      this.#link.welcomed(this.platform.now(), this.#welcome);
    });
  }

  #received(text: string): void {
    this.#link.heard(this.platform.now());
    const message: GatewayFrame | GatewayFrame[] = JSON.parse(text);
    for (const frame of [message].flat()) this.#take(frame);
    this.#arm();
  }

  #take(frame: GatewayFrame): void {
    switch (frame.type) {
      case "ok":
      case "error":
        return this.#answered(frame);
      case "ping":
        // Answered at once: timers of a hidden page may be slow, its messages are not.
        return this.push(`{"type":"heartbeat"}`);
      case "heartbeat":
        for (const [subscription, heads] of Object.entries(frame.heads)) {
          this.#receivers.get(Number(subscription))?.heads(heads);
        }
        return;
      case "drain":
        return this.#link.draining(this.platform.now(), frame.reconnectAfterMs);
      default:
        return this.#receivers.get(frame.subscription)?.pushed(frame);
    }
  }

  #answered(frame: OkFrame | ErrorFrame): void {
    const onReply = this.#waiting.get(frame.id ?? 0);
    if (onReply) {
      const wasFull = !this.hasRoom;
      this.#waiting.delete(frame.id ?? 0);
      onReply(frame);
      if (wasFull) this.#tell((resident) => resident.roomy?.());
    } else if (frame.type === "error") {
      this.#lastError = this.#refusal = errorOf(frame);
    }
  }

  /** Drops the socket and everything that waits for it. */
  #drop(): void {
    const socket = this.#socket;
    if (!socket) return;
    const wasOpen = this.#link.isOpen || this.#link.isClosed;
    this.#socket = undefined;
    socket.drop();
    this.#waiting.clear();
    this.#receivers.clear();
    for (const cancel of this.#planned) cancel();
    this.#planned.clear();
    this.#out = [];
    if (wasOpen) this.#tell((resident) => resident.lost());
  }

  #changed(state: ConnectionState): void {
    this.#state = state;
    this.#lastError = state.error ?? this.#lastError;
    // Before the listeners: residents that these add are told when they are added.
    if (state.status === "open") this.#tell((resident) => resident.opened());
    if (state.status === "closed") {
      this.#stopListening();
      this.#alarm.cancel();
      this.#tell((resident) => resident.stopped(this.#whyStopped()));
    }
    for (const listener of [...this.#listeners]) guarded(() => listener(state));
  }

  #whyStopped(): WeirError {
    return this.#state.error ?? new WeirError("closed", "The client is closed");
  }

  /** Sets the alarm for the link's next deadline. */
  #arm(): void {
    this.#alarm.set(this.#link.deadline);
  }
}

/** The next request id. After the largest it is 1 again, which was answered long ago. */
export function idBehind(id: number): number {
  return id % (2 ** 31 - 1) + 1;
}
