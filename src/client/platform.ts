/**
 * The port from the client to where it runs: clock, chance, sockets, and the moments at which a
 * connection must not be believed. Browsers and their like are in `system.ts`; a simulated world has
 * its own, so that whatever the client does can be run again from a seed.
 */

/** What a socket tells. Nothing comes after `closed`, nor after the socket was dropped. */
export interface SocketEvents {
  opened(): void;
  /** One text message. */
  message(text: string): void;
  closed(code: number, reason: string): void;
}

export interface ClientSocket {
  send(text: string): void;
  /** Lets go of it, alive or not: no event comes any more. */
  drop(): void;
}

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
