/** HTTP and WebSocket by hand over TCP, to send what no well-behaved client would. */

import { Buffer } from "node:buffer";
import { connect, type Socket } from "node:net";

/** A connection whose received bytes can be waited for. */
export class RawConnection {
  readonly socket: Socket;
  received = Buffer.alloc(0);
  closed = false;
  readonly #waiting = new Set<() => void>();

  constructor(url: string) {
    this.socket = connect(Number(new URL(url).port), new URL(url).hostname);
    this.socket.on("data", (chunk: Buffer) => {
      this.received = Buffer.concat([this.received, chunk]);
      this.#wake();
    });
    this.socket.on("error", () => {});
    this.socket.on("close", () => {
      this.closed = true;
      this.#wake();
    });
  }

  send(bytes: string | Uint8Array): void {
    this.socket.write(bytes);
  }

  /** Resolves when `condition` is true of what was received, or the connection has closed. */
  async until(condition: (received: Buffer) => boolean): Promise<void> {
    while (!this.closed && !condition(this.received)) {
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  async close(): Promise<void> {
    this.socket.destroy();
    await this.until(() => false);
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}

/** Sends one request unchanged and returns everything that comes back until the peer closes. */
export async function exchange(url: string, request: string): Promise<string> {
  const connection = new RawConnection(url);
  connection.send(request);
  await connection.until(() => false);
  return connection.received.toString();
}

/** An upgrade request; `headers` are added or, if undefined, left out. */
export function upgradeRequest(
  path: string,
  headers: Readonly<Record<string, string | undefined>> = {},
): string {
  const all = {
    "Host": "127.0.0.1",
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Protocol": "weir.v1",
    ...headers,
  };
  const lines = Object.entries(all).filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}: ${value}\r\n`);
  return `GET ${path} HTTP/1.1\r\n${lines.join("")}\r\n`;
}

/** One masked frame, as a client sends it. `length` overrides the length that it claims to have. */
export function clientFrame(
  opcode: number,
  payload: string | Uint8Array,
  options: { fin?: boolean; rsv?: number; masked?: boolean; length?: bigint } = {},
): Uint8Array {
  const body = Buffer.from(payload as Uint8Array);
  const { fin = true, rsv = 0, masked = true } = options;
  const length = options.length ?? BigInt(body.length);
  const header = [(fin ? 0x80 : 0) | (rsv << 4) | opcode];
  const mask = masked ? 0x80 : 0;
  if (length < 126n) header.push(mask | Number(length));
  else if (length < 65_536n) header.push(mask | 126, Number(length >> 8n), Number(length & 255n));
  else {
    header.push(mask | 127);
    for (let shift = 56n; shift >= 0n; shift -= 8n) header.push(Number((length >> shift) & 255n));
  }
  // With a mask of zeros the payload stays unchanged.
  return Buffer.concat([Buffer.from(header), Buffer.alloc(masked ? 4 : 0), body]);
}

/** The code of the close frame at the end of `received`; undefined if there is none. */
export function closeCode(received: Buffer): number | undefined {
  const at = received.lastIndexOf(0x88);
  return at < 0 || received.length < at + 4 ? undefined : received.readUInt16BE(at + 2);
}
