/**
 * Types for the part of `npm:ws` that is used here: the package has none of its own.
 */

import type { Buffer } from "node:buffer";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";

export interface WebSocket {
  readonly readyState: number;
  readonly bufferedAmount: number;
  send(data: string | Uint8Array, options: { binary: boolean }): void;
  close(code: number, reason: string): void;
  terminate(): void;
  pause(): void;
  resume(): void;
  /** `data` is a Buffer, unless `binaryType` is changed. */
  on(event: "message", listener: (data: Buffer, isBinary: boolean) => void): this;
  on(event: "close", listener: (code: number, reason: Buffer) => void): this;
  on(event: "error", listener: (error: Error) => void): this;
}

export interface ServerOptions {
  noServer: true;
  clientTracking: boolean;
  perMessageDeflate: boolean;
  skipUTF8Validation: boolean;
  maxPayload: number;
  /** The most fragments of one message. */
  maxFragments: number;
  /** The most chunks from the network that wait for the rest of a frame. */
  maxBufferedChunks: number;
  /** The most pongs that wait to be sent; beyond these the socket is terminated. */
  maxPendingAutoPongs: number;
  /** Milliseconds. */
  closeTimeout: number;
  handleProtocols(offered: Set<string>, request: IncomingMessage): string | false;
}

export class WebSocketServer {
  constructor(options: ServerOptions);
  /** An invalid handshake; the listener must answer it. */
  on(event: "wsClientError", listener: (error: Error, socket: Duplex) => void): this;
  handleUpgrade(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    callback: (socket: WebSocket) => void,
  ): void;
}
