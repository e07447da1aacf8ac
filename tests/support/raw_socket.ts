/**
 * A WebSocket client by hand over TCP, for what the standard one cannot do: invalid handshakes,
 * invalid frames, many frames in one segment, and not reading.
 */

import { joinBytes } from "../../src/join_bytes.ts";

/** The address of a gateway on this machine. */
interface Listening {
  readonly port: number;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const patienceMs = 15_000;

/** A frame on the wire. Masked and final, with no reserved bits, unless told otherwise. */
export interface RawFrame {
  readonly opcode: number;
  readonly payload?: Uint8Array | string;
  readonly final?: boolean;
  readonly reserved?: number;
  readonly masked?: boolean;
}

export const OPCODE = { text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export class RawSocket {
  readonly #conn: Deno.TcpConn;
  #buffered: Uint8Array = new Uint8Array(0);

  private constructor(conn: Deno.TcpConn) {
    this.#conn = conn;
  }

  static async connect(gateway: Listening): Promise<RawSocket> {
    const conn = await Deno.connect({ hostname: "127.0.0.1", port: gateway.port });
    // Each write is sent at once.
    conn.setNoDelay();
    return new RawSocket(conn);
  }

  /** Completes a handshake as `weir.v1` requires it. */
  static async open(gateway: Listening): Promise<RawSocket> {
    const socket = await RawSocket.connect(gateway);
    const head = await socket.shake(gateway);
    if (!head.startsWith("HTTP/1.1 101 ")) throw new Error(`No upgrade: ${head}`);
    return socket;
  }

  /** Sends a handshake with these header lines changed (`undefined`: left out) and reads its answer. */
  async shake(
    gateway: Listening,
    changed: Record<string, string | undefined> = {},
    requestLine = "GET /v1/connect HTTP/1.1",
  ): Promise<string> {
    const headers: Record<string, string | undefined> = {
      host: `127.0.0.1:${gateway.port}`,
      upgrade: "websocket",
      connection: "Upgrade",
      "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
      "sec-websocket-version": "13",
      "sec-websocket-protocol": "weir.v1",
      ...changed,
    };
    const lines = Object.entries(headers)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => `${name}: ${value}\r\n`);
    await this.write(encoder.encode(`${requestLine}\r\n${lines.join("")}\r\n`));
    return await this.head();
  }

  /** What comes up to the first empty line, or to the end. */
  async head(): Promise<string> {
    while (true) {
      const end = decoder.decode(this.#buffered).indexOf("\r\n\r\n");
      if (end >= 0) {
        const head = decoder.decode(this.#buffered.subarray(0, end));
        this.#buffered = this.#buffered.slice(end + 4);
        return head;
      }
      if (!await this.#more()) return decoder.decode(this.#buffered);
    }
  }

  async write(bytes: Uint8Array): Promise<void> {
    let written = 0;
    while (written < bytes.length) written += await this.#conn.write(bytes.subarray(written));
  }

  /** Sends all these in one write. */
  async send(...frames: readonly RawFrame[]): Promise<void> {
    await this.write(joinBytes(frames.map(encodeFrame)));
  }

  /** Sends texts, each a message of its own, in one write. */
  async sendTexts(...texts: readonly string[]): Promise<void> {
    await this.send(...texts.map((payload) => ({ opcode: OPCODE.text, payload })));
  }

  /** The next message, or undefined if the connection has ended. */
  async next(): Promise<{ opcode: number; payload: Uint8Array } | undefined> {
    while (true) {
      const frame = this.#frame();
      if (frame) return frame;
      if (!await this.#more()) return undefined;
    }
  }

  /** Reads on until a close frame, and returns its code (1006: the connection ended without). */
  async closeCode(): Promise<number> {
    while (true) {
      const frame = await this.next();
      if (!frame) return 1006;
      if (frame.opcode === OPCODE.close) {
        return frame.payload.length < 2
          ? 1005
          : new DataView(frame.payload.buffer, frame.payload.byteOffset).getUint16(0);
      }
    }
  }

  /** Reads one byte, whatever it belongs to; false if the connection has ended. */
  async takeByte(): Promise<boolean> {
    return await this.#conn.read(new Uint8Array(1)) !== null;
  }

  close(): void {
    this.#conn.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #more(): Promise<boolean> {
    const chunk = new Uint8Array(65_536);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error("Nothing came from the socket")), patienceMs);
    });
    try {
      const read = await Promise.race([this.#conn.read(chunk), late]);
      if (read === null) return false;
      this.#buffered = joinBytes([this.#buffered, chunk.subarray(0, read)]);
      return true;
    } catch (error) {
      // The peer may reset a connection that it refuses: that counts as an end, too.
      if (error instanceof Deno.errors.ConnectionReset) return false;
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  #frame(): { opcode: number; payload: Uint8Array } | undefined {
    const bytes = this.#buffered;
    if (bytes.length < 2) return undefined;
    const short = bytes[1]! & 127;
    const begin = short === 126 ? 4 : short === 127 ? 10 : 2;
    if (bytes.length < begin) return undefined;
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    const length = short === 126
      ? view.getUint16(2)
      : short === 127
      ? Number(view.getBigUint64(2))
      : short;
    if (bytes.length < begin + length) return undefined;
    this.#buffered = bytes.slice(begin + length);
    return { opcode: bytes[0]! & 15, payload: bytes.slice(begin, begin + length) };
  }
}

/** The payload of a close frame. */
export function closing(code: number, reason = ""): Uint8Array {
  return joinBytes([new Uint8Array([code >> 8, code & 255]), encoder.encode(reason)]);
}

export function encodeFrame(frame: RawFrame): Uint8Array {
  const payload = typeof frame.payload === "string"
    ? encoder.encode(frame.payload)
    : frame.payload ?? new Uint8Array(0);
  const masked = frame.masked ?? true;
  const first = (frame.final === false ? 0 : 128) | ((frame.reserved ?? 0) << 4) | frame.opcode;
  const length = lengthBytes(payload.length);
  length[0]! |= masked ? 128 : 0;
  // A mask of zeros is valid, and leaves the payload readable.
  const mask = masked ? new Uint8Array(4) : new Uint8Array(0);
  return joinBytes([new Uint8Array([first]), length, mask, payload]);
}

function lengthBytes(length: number): Uint8Array {
  if (length < 126) return new Uint8Array([length]);
  if (length < 65_536) return new Uint8Array([126, length >> 8, length & 255]);
  const bytes = new Uint8Array(9);
  bytes[0] = 127;
  new DataView(bytes.buffer).setBigUint64(1, BigInt(length));
  return bytes;
}
