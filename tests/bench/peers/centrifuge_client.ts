/**
 * Speaks Centrifugo's JSON protocol over the lean client: the commands of one turn are sent in one
 * message, a line each; of incoming lines only the beginnings are read.
 */

import { excerpt } from "../frames.ts";
import { LeanClient, type Room } from "../lean_client.ts";
import type { Server } from "../processes.ts";

const LINE_FEED = 10;
/** The first letters in `{"id":` and `{"push":`, which tell the two kinds of lines apart. */
const [REPLY, PUSH] = [..."ip"].map((letter) => letter.charCodeAt(0));
const PING_BYTES = 2;

/** What came in one message. */
export interface Came {
  readonly replies: number;
  readonly pushes: number;
  /** Only valid during the call. */
  readonly bytes: Uint8Array;
}

export class CentrifugeClient {
  readonly #client: LeanClient;
  #lines: string[] = [];
  #id = 1;
  onCame: (came: Came) => void = () => {};

  private constructor(client: LeanClient) {
    this.#client = client;
  }

  static async connect(server: Server, room?: Room): Promise<CentrifugeClient> {
    const lean = await LeanClient.connect(server.port, "/connection/websocket", room);
    const client = new CentrifugeClient(lean);
    lean.onMessage = (bytes) => client.#take(bytes);
    await client.request('"connect":{}');
    return client;
  }

  /** Adds a command to the next message. */
  write(command: string): void {
    this.#lines.push(`{"id":${this.#id++},${command}}`);
  }

  flush(): void {
    if (this.#lines.length === 0) return;
    this.#client.send(this.#lines.join("\n"));
    this.#client.flush();
    this.#lines = [];
  }

  /** Sends a command and waits for its reply; for the time before the measurement. */
  async request(command: string): Promise<void> {
    const replied = new Promise<void>((resolve) => {
      this.onCame = ({ replies }) => replies > 0 && resolve();
    });
    this.write(command);
    this.flush();
    await replied;
    this.onCame = () => {};
  }

  close(): void {
    this.#client.close();
  }

  #take(bytes: Uint8Array): void {
    let [replies, pushes] = [0, 0];
    for (let from = 0; from < bytes.length;) {
      const end = bytes.indexOf(LINE_FEED, from);
      const to = end < 0 ? bytes.length : end;
      if (bytes[from + 2] === PUSH) pushes++;
      else if (bytes[from + 2] === REPLY) {
        orFail(bytes.subarray(from, to));
        replies++;
      } else if (to - from === PING_BYTES) this.#client.send("{}");
      from = to + 1;
    }
    this.onCame({ replies, pushes, bytes });
    this.#client.flush();
  }
}

const ERROR = '"error"';

/** Throws if a reply, after its id, reports an error. */
function orFail(reply: Uint8Array): void {
  const behindId = reply.indexOf(",".charCodeAt(0)) + 1;
  for (let i = 0; i < ERROR.length; i++) {
    if (reply[behindId + i] !== ERROR.charCodeAt(i)) return;
  }
  throw new Error(`Not done: ${excerpt(reply)}`);
}
