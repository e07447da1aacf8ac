/**
 * Holds one conversation over a socket of its own: says hello unless it is not to be said, sends what
 * it has to, hears what comes all the while, and waits for what must come.
 */

import { RawSocket } from "../support/raw_socket.ts";
import { closing, encodeFrame, OPCODE } from "../support/raw_socket.ts";
import type { Frame } from "../support/frames.ts";
import type { Gateway } from "../support/gateway.ts";
import { SessionRules } from "../support/session_rules.ts";
import type { Conversation, Input } from "./conversations.ts";
import { GIVEN } from "./grammar.ts";
import { Ledger } from "./ledger.ts";
import type { Trail } from "./trail.ts";

/** No id of the grammar's is as high. */
const LAST_ID = 1_700_000_001;
/**
 * After so long an answer is taken for lost. Long, since a group carries out what floods of joins ask
 * of it one after the other, on a machine that may have more to do.
 */
const ANSWER_MS = 240_000;
/** How long what is on the wire is waited for that nobody need answer. */
const WIRE_MS = 500;

const utf8 = new TextEncoder();
const strict = new TextDecoder("utf-8", { fatal: true });

export interface Held {
  readonly faults: readonly string[];
  readonly outcomes: ReadonlyMap<string, number>;
  /** The code that the gateway closed it with; undefined if it did not. */
  readonly code: number | undefined;
}

export async function converse(
  gateway: Gateway,
  conversation: Conversation,
  trail: Trail,
): Promise<Held> {
  const socket = await RawSocket.open(gateway);
  return await new Talk(socket, conversation, trail).hold();
}

class Talk {
  readonly #socket: RawSocket;
  readonly #conversation: Conversation;
  readonly #trail: Trail;
  readonly #ledger = new Ledger();
  /** Only what is valid can be held against the rules of a session. */
  readonly #rules: SessionRules | undefined;
  readonly #faults: string[] = [];
  readonly #given = { producer: "p", incarnation: "i", epoch: 1, sequence: 0 };
  #code: number | undefined;
  #over = false;
  #leaving = false;
  #waiters: (() => void)[] = [];
  #writing: Promise<void> = Promise.resolve();

  constructor(socket: RawSocket, conversation: Conversation, trail: Trail) {
    this.#socket = socket;
    this.#conversation = conversation;
    this.#trail = trail;
    this.#rules = conversation.kind === "stray" ? new SessionRules() : undefined;
  }

  async hold(): Promise<Held> {
    const { kind, inputs, drops } = this.#conversation;
    const hearing = this.#hear();
    if (kind !== "rude") {
      await this.#say({ type: "hello", id: 1 });
      await this.#settled();
    }
    for (const input of inputs) {
      if (this.#over) break;
      await this.#carryOut(input);
    }
    if (kind === "wire") await this.#leaveSoon();
    else await this.#leave(drops);
    await hearing;
    if (!this.#leaving) this.#ledger.closed(this.#code ?? 1006);
    return {
      faults: [...this.#faults, ...this.#ledger.faults, ...this.#rules?.violations ?? []],
      outcomes: this.#ledger.outcomes,
      code: this.#leaving ? undefined : this.#code ?? 1006,
    };
  }

  async #carryOut(input: Input): Promise<void> {
    switch (input.as) {
      case "wait":
        return await this.#settled();
      case "text":
        return await this.#sayText(this.#filled(input.text));
      case "message":
        this.#trail.bytes(input.bytes);
        if (input.binary) this.#ledger.sentBinary(input.bytes);
        else this.#ledger.sent(input.bytes);
        return await this.#write(encodeFrame({
          opcode: input.binary ? OPCODE.binary : OPCODE.text,
          payload: input.bytes,
        }));
      case "raw":
        this.#trail.bytes(input.bytes);
        this.#ledger.sentRaw();
        return await this.#write(input.bytes);
    }
  }

  /** Everything is answered, and answered once; then it goes, with or without a word. */
  async #leave(drops: boolean): Promise<void> {
    await this.#settled();
    // What comes too often comes before the answer to this.
    if (!this.#over && this.#conversation.kind !== "rude") {
      await this.#say({ type: "heartbeat", id: LAST_ID });
      await this.#settled();
    }
    if (this.#over) return;
    this.#ledger.settle();
    this.#leaving = true;
    if (!drops) await this.#write(encodeFrame({ opcode: OPCODE.close, payload: closing(1000) }));
    else this.#socket.close();
  }

  /** Nobody can say what is an answer to what: so much as comes is looked at. */
  async #leaveSoon(): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    await Promise.race([
      this.#until(() => this.#over),
      new Promise<void>((resolve) => timer = setTimeout(resolve, WIRE_MS)),
    ]);
    clearTimeout(timer);
    if (this.#over) return;
    this.#leaving = true;
    this.#socket.close();
  }

  async #say(frame: Frame): Promise<void> {
    await this.#sayText(JSON.stringify(frame));
  }

  async #sayText(text: string): Promise<void> {
    const bytes = utf8.encode(text);
    this.#trail.text(text);
    this.#ledger.sent(bytes);
    if (this.#rules) { for (const frame of [JSON.parse(text)].flat()) this.#rules.sent(frame); }
    await this.#write(encodeFrame({ opcode: OPCODE.text, payload: bytes }));
  }

  /** With what the gateway gave in the place of the words for it. */
  #filled(text: string): string {
    const { producer, incarnation, epoch } = this.#given;
    return text
      .replaceAll(GIVEN.producer, producer)
      .replaceAll(GIVEN.incarnation, incarnation)
      .replaceAll(`"${GIVEN.epoch}"`, String(epoch))
      .replaceAll(`"${GIVEN.sequence}"`, () => String(this.#given.sequence++));
  }

  /** One after the other: pings are answered while other things are said. */
  async #write(bytes: Uint8Array): Promise<void> {
    const written = this.#writing.then(() => this.#socket.write(bytes));
    // The gateway may have closed it; what it said is being heard.
    this.#writing = written.catch(() => this.#until(() => this.#over));
    await this.#writing;
  }

  /** Until everything is answered. What takes too long is a fault, and the end. */
  async #settled(): Promise<void> {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      this.#wake();
    }, ANSWER_MS);
    await this.#until(() => this.#over || late || this.#ledger.isSettled);
    clearTimeout(timer);
    if (this.#over || !late) return;
    this.#ledger.settle();
    this.#leaving = true;
    this.#socket.close();
    await this.#until(() => this.#over);
  }

  async #until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>((resolve) => this.#waiters.push(resolve));
  }

  #wake(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const wake of waiters) wake();
  }

  /** Until the socket has ended, by whoever's doing, or nothing has come for too long. */
  async #hear(): Promise<void> {
    try {
      for (let next = await this.#socket.next(); next; next = await this.#socket.next()) {
        if (next.opcode === OPCODE.text) this.#take(strict.decode(next.payload));
        else if (next.opcode === OPCODE.close) this.#code = codeOf(next.payload);
        else if (next.opcode !== OPCODE.pong) this.#faults.push(`a frame of ${next.opcode} came`);
        this.#wake();
      }
    } catch (error) {
      // A connection that was dropped from this side ends so.
      if (!this.#leaving) {
        this.#faults.push(String(error));
        this.#ledger.settle();
        this.#leaving = true;
      }
    }
    this.#over = true;
    this.#wake();
    try {
      this.#socket.close();
    } catch {
      // It was dropped.
    }
  }

  #take(message: string): void {
    if (message.startsWith("{") || message.startsWith("[")) this.#rules?.received(message);
    for (const frame of this.#ledger.received(message)) {
      if (frame["type"] === "ping") this.#say({ type: "heartbeat" });
      if (frame["type"] !== "ok") continue;
      const { producer, incarnation } = frame as {
        readonly producer?: { readonly id: string; readonly epoch: number };
        readonly incarnation?: string;
      };
      if (incarnation !== undefined) this.#given.incarnation = incarnation;
      if (producer) {
        Object.assign(this.#given, { producer: producer.id, epoch: producer.epoch, sequence: 0 });
      }
    }
  }
}

function codeOf(payload: Uint8Array): number {
  return payload.length < 2 ? 1005 : new DataView(payload.buffer, payload.byteOffset).getUint16(0);
}
