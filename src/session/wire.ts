/**
 * The port from a session to its socket. The adapter (`server/`) implements it and calls the session
 * when a message or room comes; a simulated one does the same without a network.
 */

export interface Wire {
  /** Sends one text message: a string, or UTF-8 bytes, which stay the caller's and are not changed. */
  send(message: string | Uint8Array): void;
  /** Closes with a code and a short ASCII reason, after what was sent. Later calls do nothing. */
  close(code: number, reason: string): void;
  /** Ends the connection at once and drops what is waiting. */
  terminate(): void;
  /** The session may take more, or less, than when it was last asked. */
  reconsider(): void;
  /** Bytes that were sent but not yet taken by the network. */
  readonly buffered: number;
}
