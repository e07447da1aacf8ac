/**
 * A WebSocket client that costs next to nothing, so that a benchmark measures the gateway and not
 * its driver: frames are built by hand over a TCP connection, with a mask of zeros (which is valid
 * and leaves the payload unchanged), and many of them are sent in one write.
 */

const text = new TextEncoder();
const HEADER_BYTES = 14;
const TEXT = 1;
const BINARY = 2;

/** One WebSocket message. `bytes` is only valid during the call. */
export type OnMessage = (bytes: Uint8Array) => void;

/** Initial sizes of a client's buffers, which grow. */
export interface Room {
  readonly in: number;
  readonly out: number;
}

/** For a few busy sockets. */
const BUSY: Room = { in: 1 << 20, out: 1 << 16 };
/** For thousands of quiet ones: room for one message is enough. */
export const CROWDED: Room = { in: 4 << 10, out: 512 };

export class LeanClient {
  readonly #socket: Deno.TcpConn;
  #out: Uint8Array<ArrayBuffer>;
  #outLength = 0;
  #writing: Promise<void> | undefined;
  #in: Uint8Array<ArrayBuffer>;
  #inLength = 0;
  #closed = false;
  bytesReceived = 0;
  onMessage: OnMessage = () => {};

  private constructor(socket: Deno.TcpConn, room: Room) {
    this.#socket = socket;
    this.#in = new Uint8Array(room.in);
    this.#out = new Uint8Array(room.out);
  }

  static async connect(port: number, path = "/v1/connect", room = BUSY): Promise<LeanClient> {
    const socket = await Deno.connect({ hostname: "127.0.0.1", port });
    socket.setNoDelay(true);
    const client = new LeanClient(socket, room);
    await client.#shake(port, path);
    client.#read();
    return client;
  }

  /** Adds a message to the next write. */
  send(message: string): void {
    const needed = this.#outLength + HEADER_BYTES + message.length * 3;
    if (needed > this.#out.length) {
      const grown = new Uint8Array(Math.max(needed, this.#out.length * 2));
      grown.set(this.#out.subarray(0, this.#outLength));
      this.#out = grown;
    }
    const out = this.#out;
    const { written: size } = text.encodeInto(
      message,
      out.subarray(this.#outLength + HEADER_BYTES),
    );
    let at = this.#outLength;
    out[at++] = 0x81;
    if (size < 126) {
      out[at++] = 0x80 | size;
    } else if (size < 65_536) {
      out[at++] = 0x80 | 126;
      out[at++] = size >> 8;
      out[at++] = size & 255;
    } else {
      out[at++] = 0x80 | 127;
      out.fill(0, at, at + 4);
      new DataView(out.buffer).setUint32(at + 4, size);
      at += 8;
    }
    out.fill(0, at, at + 4);
    at += 4;
    out.copyWithin(at, this.#outLength + HEADER_BYTES, this.#outLength + HEADER_BYTES + size);
    this.#outLength = at + size;
  }

  /** Writes what `send` has added. */
  flush(): void {
    if (this.#outLength > 0) this.#writing ??= this.#write();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.close();
  }

  async #write(): Promise<void> {
    while (this.#outLength > 0 && !this.#closed) {
      const chunk = this.#out.slice(0, this.#outLength);
      this.#outLength = 0;
      for (let at = 0; at < chunk.length && !this.#closed;) {
        at += await this.#socket.write(chunk.subarray(at)).catch(() => chunk.length);
      }
    }
    this.#writing = undefined;
  }

  async #shake(port: number, path: string): Promise<void> {
    await this.#socket.write(text.encode(
      `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        `Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n` +
        `Sec-WebSocket-Protocol: weir.v1\r\n\r\n`,
    ));
    const decoder = new TextDecoder();
    let head = "";
    while (!head.includes("\r\n\r\n")) {
      const count = await this.#socket.read(this.#in);
      if (count === null) throw new Error("The connection closed during the handshake");
      head += decoder.decode(this.#in.subarray(0, count));
    }
    if (!head.startsWith("HTTP/1.1 101")) throw new Error(`No upgrade: ${head.slice(0, 80)}`);
  }

  async #read(): Promise<void> {
    while (!this.#closed) {
      if (this.#inLength === this.#in.length) {
        const grown = new Uint8Array(this.#in.length * 2);
        grown.set(this.#in);
        this.#in = grown;
      }
      const count = await this.#socket.read(this.#in.subarray(this.#inLength)).catch(() => null);
      if (count === null) return this.close();
      this.#inLength += count;
      this.bytesReceived += count;
      this.#takeFrames();
    }
  }

  #takeFrames(): void {
    const bytes = this.#in;
    let at = 0;
    while (this.#inLength - at >= 2) {
      const opcode = (bytes[at] ?? 0) & 15;
      let size = bytes[at + 1] ?? 0;
      let head = 2;
      if (size === 126) {
        if (this.#inLength - at < 4) break;
        size = ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0);
        head = 4;
      } else if (size === 127) {
        if (this.#inLength - at < 10) break;
        size = new DataView(bytes.buffer).getUint32(at + 6);
        head = 10;
      }
      if (this.#inLength - at < head + size) break;
      if (opcode === TEXT || opcode === BINARY) {
        this.onMessage(bytes.subarray(at + head, at + head + size));
      }
      at += head + size;
    }
    bytes.copyWithin(0, at, this.#inLength);
    this.#inLength -= at;
  }
}

const decoder = new TextDecoder();

/** The frames of a message. */
export function framesOf(bytes: Uint8Array): Record<string, unknown>[] {
  const parsed = JSON.parse(decoder.decode(bytes));
  return Array.isArray(parsed) ? parsed : [parsed];
}

/** Sends a request and waits for its reply; for the time before the measurement. */
export async function request(
  client: LeanClient,
  frame: { id: number; type: string; [field: string]: unknown },
): Promise<Record<string, unknown>> {
  const { promise, resolve, reject } = Promise.withResolvers<Record<string, unknown>>();
  const before = client.onMessage;
  client.onMessage = (bytes) => {
    for (const reply of framesOf(bytes)) {
      if (reply["id"] !== frame.id) continue;
      if (reply["type"] === "ok") resolve(reply);
      else reject(new Error(JSON.stringify(reply)));
    }
    before(bytes);
  };
  client.send(JSON.stringify(frame));
  client.flush();
  try {
    return await promise;
  } finally {
    client.onMessage = before;
  }
}
