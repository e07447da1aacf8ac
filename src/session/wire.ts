/**
 * The port from a session to its socket. The adapter in `server/` implements it, and calls the
 * session when a message comes or there is room; simulations have their own.
 */

export interface Wire {
  /** Sends one text message: a string, or UTF-8 bytes that nobody changes afterwards. */
  send(message: string | Uint8Array): void;
  /** Closes with a code and a short ASCII reason, after what was sent. Later calls do nothing. */
  close(code: number, reason: string): void;
  /** Ends the connection at once and drops what is waiting. */
  terminate(): void;
  /** Whether the session takes messages (`congested`) may have changed. */
  reconsider(): void;
  /** Whether nothing is received while the session takes no messages; else it waits in memory. */
  readonly canPause: boolean;
  /** Bytes that were sent but not yet taken by the network. */
  readonly buffered: number;
}
