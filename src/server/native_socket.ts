/**
 * The platform's own WebSockets (`Deno.upgradeWebSocket`) as the `Wire` of a session, for hosts
 * without `node:http` upgrades, like Deno Deploy. `NATIVE_LIMITS` lists what they cannot do, but
 * `npm:ws` can.
 *
 * The platform has no event for a drained buffer, and reading cannot be paused. So a timer polls
 * the sockets that wait for room, and messages for a congested session wait here, up to a limit.
 */

import { CLOSE } from "../errors.ts";
import { HTTP } from "../limits.ts";
import type { Wire } from "../session/wire.ts";
import { Held } from "./held.ts";
import { guardWith, INTERNAL_ERROR, type SocketOptions } from "./upgrade.ts";

/** What these sockets lack compared to `npm:ws`, in words for operators. */
export const NATIVE_LIMITS = [
  "a message is held up to 64 MiB before its size is looked at",
  "fragments are not counted, and unmasked frames are taken",
  "reading is never paused",
  "a peer that does not answer a close, or does not read an answer, cannot be cut off",
  "text that is not UTF-8 ends the socket without a code",
] as const;

const LOOK_MS = 20;
const utf8 = new TextEncoder();
const text = new TextDecoder();

export interface NativeSocketOptions extends SocketOptions {
  /** How long a socket may take to open. */
  readonly openMs?: number;
}

/** All sockets of one server. */
export class NativeSockets {
  readonly #options: SocketOptions;
  readonly #openMs: number;
  /** What to call when each is closed. */
  readonly #open = new Map<WebSocket, () => void>();
  /** Polls for sockets that wait for room or for their session; true when done. */
  readonly #waiting = new Set<() => boolean>();
  #onClosed: () => void = () => {};
  #looking: ReturnType<typeof setInterval> | undefined;

  constructor(options: NativeSocketOptions) {
    this.#options = options;
    this.#openMs = options.openMs ?? HTTP.openMs;
  }

  /** Connects a socket to a session until either ends; then calls `over` once. */
  serve(socket: WebSocket, over: () => void): void {
    this.#open.set(socket, over);
    // If the peer leaves before its handshake is answered, there is no close event: at most an
    // error.
    const gone = () => {
      clearTimeout(late);
      socket.onopen = () => socket.close();
      this.#closed(socket);
    };
    const late = setTimeout(gone, this.#openMs);
    socket.onerror = gone;
    socket.onclose = gone;
    socket.onopen = () => {
      clearTimeout(late);
      this.#begin(socket);
    };
  }

  /** Resolves when all sockets are closed. */
  async allClosed(): Promise<void> {
    while (this.#open.size > 0) await new Promise<void>((resolve) => this.#onClosed = resolve);
  }

  /** Closes those that are left. */
  terminate(): void {
    for (const socket of this.#open.keys()) socket.close();
    clearInterval(this.#looking);
  }

  #begin(socket: WebSocket): void {
    const { telemetry } = this.#options;
    const close = (code: number, reason: string) => {
      if (socket.readyState === WebSocket.OPEN) socket.close(code, reason);
    };
    const guard = guardWith(telemetry, () => close(INTERNAL_ERROR, "internal error"));
    const wire: Wire = {
      send: (message) => {
        if (socket.readyState !== WebSocket.OPEN) return;
        socket.send(typeof message === "string" ? message : text.decode(message));
        if (socket.bufferedAmount > 0) this.#lookAfter(look);
      },
      close,
      terminate: () => socket.close(),
      reconsider() {}, // the timer polls what waits
      canPause: false,
      get buffered() {
        return socket.bufferedAmount;
      },
    };
    const session = this.#options.connect(wire);
    const held = new Held(session, close);
    const take = guard((message: Uint8Array) => held.take(message));
    const writable = guard(() => session.writable());
    const handOver = guard(() => held.handOver());
    const closed = guard(() => session.closed());
    /** Returns whether nothing waits any more. */
    const look = () => {
      if (socket.readyState !== WebSocket.OPEN) return true;
      if (socket.bufferedAmount === 0) writable();
      handOver();
      return socket.bufferedAmount === 0 && held.isEmpty;
    };
    socket.onmessage = ({ data }) => {
      if (socket.readyState !== WebSocket.OPEN) return;
      if (typeof data !== "string") return close(CLOSE.unsupportedData, "text messages only");
      take(utf8.encode(data));
      if (!held.isEmpty) this.#lookAfter(look);
    };
    socket.onerror = () => telemetry.count("sockets_broken_total");
    socket.onclose = () => {
      this.#closed(socket);
      this.#waiting.delete(look);
      closed();
    };
  }

  #closed(socket: WebSocket): void {
    const over = this.#open.get(socket);
    this.#open.delete(socket);
    over?.();
    this.#onClosed();
  }

  #lookAfter(look: () => boolean): void {
    this.#waiting.add(look);
    this.#looking ??= setInterval(() => {
      for (const each of [...this.#waiting]) if (each()) this.#waiting.delete(each);
      if (this.#waiting.size > 0) return;
      clearInterval(this.#looking);
      this.#looking = undefined;
    }, LOOK_MS);
  }
}
