/** One socket to a gateway: requests with their replies, and pushes. What a client needs, no more. */

export type Frame = Readonly<Record<string, unknown>>;

/** The gateway refused a request; `code`, `retry` and the rest are the protocol's. */
export class Refused extends Error {
  readonly reply: Frame;

  constructor(reply: Frame) {
    super(`${reply["code"]}: ${reply["message"]}`);
    this.reply = reply;
  }
}

interface Waiting {
  readonly resolve: (reply: Frame) => void;
  readonly reject: (error: Error) => void;
}

export class Connection {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, Waiting>();
  readonly #closed = Promise.withResolvers<void>();
  #id = 0;
  onPush: (frame: Frame) => void = () => {};

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.onmessage = ({ data }) => this.#receive(JSON.parse(data));
    socket.onclose = ({ code, reason }) => {
      const error = new Error(`The connection closed: ${code} ${reason}`);
      for (const { reject } of this.#waiting.values()) reject(error);
      this.#waiting.clear();
      this.#closed.resolve();
    };
  }

  /** Connects and says hello. `url` is the gateway's, as it prints it. */
  static async open(url: string): Promise<Connection> {
    const socket = new WebSocket(`${url.replace(/^http/, "ws")}/v1/connect`, "weir.v1");
    await new Promise((resolve, reject) => {
      socket.onopen = resolve;
      socket.onerror = () => reject(new Error(`Cannot connect to ${url}`));
    });
    const connection = new Connection(socket);
    await connection.request("hello", {});
    return connection;
  }

  /** Resolves when the socket is closed, by whichever side. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  request(type: string, fields: Frame): Promise<Frame> {
    const id = ++this.#id;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.push(type, { id, ...fields });
    });
  }

  push(type: string, fields: Frame): void {
    if (this.#socket.readyState === WebSocket.OPEN) {
      this.#socket.send(JSON.stringify({ type, ...fields }));
    }
  }

  close(): void {
    this.#socket.close();
  }

  #receive(message: Frame | readonly Frame[]): void {
    for (const frame of Array.isArray(message) ? message : [message]) {
      if (frame.type === "ping") this.push("heartbeat", {});
      const id = frame.id as number | undefined;
      const waiting = id === undefined ? undefined : this.#waiting.get(id);
      if (!waiting) {
        this.onPush(frame);
        continue;
      }
      this.#waiting.delete(id as number);
      if (frame.type === "ok") waiting.resolve(frame);
      else waiting.reject(new Refused(frame));
    }
  }
}
