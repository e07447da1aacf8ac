/**
 * The port from the client to where it runs: clock, chance, sockets, and the moments at which a
 * connection must not be believed. Browsers and their like are in `system.ts`; a simulated world has
 * its own, so that whatever the client does can be run again from a seed.
 */

/**
 * What a socket tells. Nothing comes after `closed`, nor after the socket was dropped.
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
  /** Lets go of it, alive or not: no event comes any more. */
  drop(): void;
}

/**
 * Where a client runs: for tests, and for places that have no `WebSocket`.
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
  /** Milliseconds since some start; never goes back. */
  now(): number;
  /** Uniform in [0, 1). */
  random(): number;
  /** Calls `run` once, `ms` later, unless the returned function is called first. */
  after(ms: number, run: () => void): () => void;
  /** Begins to connect, with the subprotocol `weir.v1`. */
  open(url: string, events: SocketEvents): ClientSocket;
  /**
   * Calls `run` whenever the machine may have slept or changed its network. Returns how to stop it.
   */
  onWake(run: () => void): () => void;
  /** Calls `run` when the page is about to be gone for good. Returns how to stop it. */
  onUnload(run: () => void): () => void;
}
