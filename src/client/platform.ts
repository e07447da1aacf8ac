/**
 * The port from the client to its platform: clock, randomness, sockets, and events after which a
 * connection may be dead. `system.ts` implements it for browsers and other runtimes; the simulation
 * has its own, so that every run can be repeated from its seed.
 */

/**
 * The events of a socket. None follows after `closed`, nor after the socket was dropped.
 *
 * ```ts
 * const socket = new WebSocket("ws://127.0.0.1:8080/v1/connect", "weir.v1");
 * const wire = (events: SocketEvents) => {
 *   socket.onopen = () => events.opened();
 *   socket.onmessage = ({ data }) => events.message(data);
 *   socket.onclose = ({ code, reason }) => events.closed(code, reason);
 * };
 * wire({ opened: () => socket.close(), message() {}, closed() {} });
 * ```
 */
export interface SocketEvents {
  opened(): void;
  /** One text message. */
  message(text: string): void;
  closed(code: number, reason: string): void;
}

/**
 * A socket, as the client uses it.
 *
 * ```ts
 * const socket = new WebSocket("ws://127.0.0.1:8080/v1/connect", "weir.v1");
 * const wrapped: ClientSocket = {
 *   send: (text) => socket.send(text),
 *   drop: () => socket.close(),
 * };
 * wrapped.drop();
 * ```
 */
export interface ClientSocket {
  send(text: string): void;
  /** Drops the socket, alive or not: no event follows. */
  drop(): void;
}

/**
 * The platform of a client: for tests, and for runtimes that have no `WebSocket`.
 *
 * ```ts
 * const opened: string[] = [];
 * const platform: Platform = {
 *   now: () => performance.now(),
 *   random: () => 0.5,
 *   after: () => () => {},
 *   open: (url) => (opened.push(url), { send() {}, drop() {} }),
 *   onWake: () => () => {},
 *   onUnload: () => () => {},
 * };
 * await connect("https://weir.example/", { platform }).close();
 * console.log(opened);
 * // [ "wss://weir.example/v1/connect" ]
 * ```
 */
export interface Platform {
  /** A monotonic clock, in milliseconds. */
  now(): number;
  /** Uniform in [0, 1). */
  random(): number;
  /** Calls `run` once, `ms` later, unless the returned function is called first. */
  after(ms: number, run: () => void): () => void;
  /** Begins to connect, with the subprotocol `weir.v1`. */
  open(url: string, events: SocketEvents): ClientSocket;
  /**
   * Calls `run` whenever the machine may have slept or changed its network. Returns how to stop.
   */
  onWake(run: () => void): () => void;
  /** Calls `run` when the page is about to be unloaded for good. Returns how to stop. */
  onUnload(run: () => void): () => void;
}
