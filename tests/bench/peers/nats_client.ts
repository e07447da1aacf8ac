/**
 * A NATS client that costs next to nothing, over the lean client: what it sends in one turn is one
 * WebSocket message, and of incoming messages only the lengths are read. A WebSocket message of the
 * server may end anywhere, so they are read as a stream of bytes, which are only valid during the
 * call.
 *
 * One subscription is for replies to API requests, the others are for the load.
 */

import { LeanClient } from "../lean_client.ts";

const ascii = new TextDecoder("latin1");
const LINE_FEED = 10;
const SPACE = 32;
const ZERO = 48;
const NINE = 57;
/** How lines begin: `MSG`, `HMSG`, `PING`, `PONG` and `-ERR`. */
const [MSG, HMSG, PING_OR_PONG, ERROR] = [..."MHP-"].map((letter) => letter.charCodeAt(0));
const SECOND_OF_PONG = "O".charCodeAt(0);

const API = 1;

/** An incoming message, parsed only when a load asks. */
export class NatsMessage {
  bytes: Uint8Array = new Uint8Array();
  /** The number of its subscription. */
  subscription = 0;
  /** The line that announces it, without its end. */
  lineFrom = 0;
  lineTo = 0;
  /** Zero if it has no headers. */
  headerBytes = 0;
  /** Where headers and payload begin, and where they end. */
  from = 0;
  to = 0;

  get hasPayload(): boolean {
    return this.to > this.from + this.headerBytes;
  }

  /**
   * The parts of its line: `MSG`, subject, subscription, optionally the reply subject, and sizes.
   */
  get parts(): string[] {
    return ascii.decode(this.bytes.subarray(this.lineFrom, this.lineTo)).split(" ");
  }

  /** The reply subject, which is between the subscription and the sizes. */
  get reply(): string | undefined {
    const parts = this.parts;
    return parts.length > (this.headerBytes > 0 ? 5 : 4) ? parts[3] : undefined;
  }

  get headers(): string {
    return ascii.decode(this.bytes.subarray(this.from, this.from + this.headerBytes));
  }

  get payload(): string {
    return ascii.decode(this.bytes.subarray(this.from + this.headerBytes, this.to));
  }
}

let clients = 0;

export class NatsClient {
  readonly #client: LeanClient;
  readonly #message = new NatsMessage();
  #out = "";
  #rest: Uint8Array = new Uint8Array();
  #requests = 0;
  #subscriptions = API;
  #replied: (message: NatsMessage) => void = () => {};
  #ponged: () => void = () => {};
  /** The prefix of this client's subjects. */
  readonly inbox: string;
  onMessage: (message: NatsMessage) => void = () => {};
  /** Called after all messages that came at once. */
  onTurn: () => void = () => {};

  private constructor(client: LeanClient) {
    this.#client = client;
    this.inbox = `_INBOX.${clients++}`;
  }

  static async connect(port: number): Promise<NatsClient> {
    const lean = await LeanClient.connect(port, "/");
    const client = new NatsClient(lean);
    lean.onMessage = (bytes) => client.#take(bytes);
    const ponged = new Promise<void>((resolve) => client.#ponged = resolve);
    client.write(
      `CONNECT {"verbose":false,"pedantic":false,"echo":true,"headers":true,"no_responders":true}\r\n` +
        `SUB ${client.inbox}.api.> ${API}\r\nPING\r\n`,
    );
    client.flush();
    await ponged;
    return client;
  }

  /**
   * Passes messages on this subject to `onMessage`; JetStream does not push to wildcards. Returns
   * the subscription's number.
   */
  subscribe(subject: string): number {
    const number = ++this.#subscriptions;
    this.write(`SUB ${subject} ${number}\r\n`);
    return number;
  }

  /** Adds lines of the protocol to the next message. */
  write(lines: string): void {
    this.#out += lines;
  }

  flush(): void {
    if (this.#out === "") return;
    this.#client.send(this.#out);
    this.#client.flush();
    this.#out = "";
  }

  close(): void {
    this.#client.close();
  }

  /** A request of JetStream's API, one at a time. */
  async request(subject: string, body: object): Promise<unknown> {
    const replied = new Promise<unknown>((resolve) => {
      this.#replied = (message) => resolve(JSON.parse(message.payload));
    });
    const json = JSON.stringify(body);
    const reply = `${this.inbox}.api.${this.#requests++}`;
    this.write(`PUB $JS.API.${subject} ${reply} ${json.length}\r\n${json}\r\n`);
    this.flush();
    const answer = await replied;
    if (answer instanceof Object && "error" in answer) {
      throw new Error(`${subject}: ${JSON.stringify(answer.error)}`);
    }
    return answer;
  }

  #take(bytes: Uint8Array): void {
    const all = this.#rest.length > 0 ? joined(this.#rest, bytes) : bytes;
    const taken = this.#takeLines(all);
    this.#rest = all.slice(taken);
    this.onTurn();
    this.flush();
  }

  /** Returns how many bytes were consumed. */
  #takeLines(bytes: Uint8Array): number {
    let at = 0;
    for (;;) {
      const end = bytes.indexOf(LINE_FEED, at);
      if (end < 0) return at;
      const first = bytes[at];
      if (first === MSG || first === HMSG) {
        const next = this.#takeMessage(bytes, at, end);
        if (next > bytes.length) return at;
        at = next;
        continue;
      }
      if (first === PING_OR_PONG) {
        if (bytes[at + 1] === SECOND_OF_PONG) this.#ponged();
        else this.write("PONG\r\n");
      } else if (first === ERROR) throw new Error(ascii.decode(bytes.subarray(at, end)));
      at = end + 1;
    }
  }

  /** Returns where the next line begins, which may be past the end of what has come. */
  #takeMessage(bytes: Uint8Array, at: number, end: number): number {
    const message = this.#message;
    const beforeSize = bytes.lastIndexOf(SPACE, end);
    message.bytes = bytes;
    message.lineFrom = at;
    message.lineTo = end - 1;
    message.from = end + 1;
    message.to = message.from + numberAt(bytes, beforeSize + 1);
    const next = message.to + 2;
    if (next > bytes.length) return next;
    message.headerBytes = bytes[at] === HMSG
      ? numberAt(bytes, bytes.lastIndexOf(SPACE, beforeSize - 1) + 1)
      : 0;
    const behindSubject = bytes.indexOf(SPACE, bytes.indexOf(SPACE, at) + 1) + 1;
    message.subscription = numberAt(bytes, behindSubject);
    if (message.subscription === API) this.#replied(message);
    else this.onMessage(message);
    return next;
  }
}

function numberAt(bytes: Uint8Array, from: number): number {
  let number = 0;
  for (let at = from;; at++) {
    const digit = bytes[at] ?? 0;
    if (digit < ZERO || digit > NINE) return number;
    number = number * 10 + digit - ZERO;
  }
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(first.length + second.length);
  bytes.set(first);
  bytes.set(second, first.length);
  return bytes;
}
