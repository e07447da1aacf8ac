/**
 * How an abuser is written down: what one of its sockets does, from its opening until it is opened
 * again. Many of them do it at the same time, again and again, until the site is closed: that breaks
 * whatever they wait for.
 */

import { RawSocket } from "../support/raw_socket.ts";
import type { Guises } from "./access.ts";
import type { Bound } from "./bounds.ts";

export interface Abuser {
  /** What it does, as the table says it. */
  readonly does: string;
  /** How many sockets, or other lanes, do it at a time. */
  readonly lanes: Record<Size, number>;
  /** What the limits let it cost. */
  readonly bound: Bound;
  /** Once, before the first of them begins. */
  prepare?(site: Site): Promise<void>;
  /** Once through. It calls `site.inForce()` when it has come to where it hurts. */
  pass(site: Site): Promise<void>;
}

/** Tests do the same by less. */
export type Size = "full" | "small";

/** What came back, and how often: replies, close codes, ends without one. */
export type Got = Record<string, number>;

/** Sockets that are in their handshake at a time; more would wait in the system's queue and time out. */
const HANDSHAKES = 64;

/** Where the passes of an abuser take place, from when it begins until it ends. */
export class Site {
  readonly port: number;
  readonly size: Size;
  /** What all its lanes got. */
  readonly got: Got = {};
  readonly #closing = new AbortController();
  readonly #sockets = new Set<RawSocket>();
  readonly #queue: (() => void)[] = [];
  readonly #guises: Guises;
  #shaking = 0;
  #opened = 0;
  #greeted = 0;
  #inForce = 0;

  constructor(port: number, size: Size, guises: Guises) {
    this.port = port;
    this.size = size;
    this.#guises = guises;
  }

  get closed(): boolean {
    return this.#closing.signal.aborted;
  }

  /** How many passes have come to where it hurts. */
  get passesInForce(): number {
    return this.#inForce;
  }

  inForce(): void {
    this.#inForce++;
  }

  gets(what: string, times = 1): void {
    this.got[what] = (this.got[what] ?? 0) + times;
  }

  /** A socket that has shaken hands. */
  async open(): Promise<RawSocket> {
    return await this.#oneOfFew(async () => {
      const socket = await this.#connect();
      const head = await socket.shake(this, { "x-forwarded-for": this.#nextAddress() });
      if (head.startsWith("HTTP/1.1 101 ")) return socket;
      this.close(socket);
      throw new Error(head === "" ? "closed instead of a handshake" : firstLine(head));
    });
  }

  /** A connection on which nothing was said. */
  async connect(): Promise<RawSocket> {
    return await this.#oneOfFew(() => this.#connect());
  }

  /** A socket that has said hello as well. */
  async greet(): Promise<RawSocket> {
    const socket = await this.open();
    const { tokens } = this.#guises;
    const token = tokens[this.#greeted++ % tokens.length];
    await socket.sendTexts(JSON.stringify({ type: "hello", id: 1, token }));
    const reply = new TextDecoder().decode((await socket.next())?.payload);
    if (reply.includes('"type":"ok"')) return socket;
    this.close(socket);
    throw new Error(`hello: ${/"code":"(\w+)"/.exec(reply)?.[1] ?? "no answer"}`);
  }

  close(socket: RawSocket): void {
    if (this.#sockets.delete(socket)) socket.close();
  }

  /** Ends every pass: what they wait for is over. */
  closeAll(): void {
    this.#closing.abort();
    for (const socket of [...this.#sockets]) this.close(socket);
    for (const begin of this.#queue.splice(0)) begin();
  }

  /** Resolves after this time, or when the site is closed. */
  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const { signal } = this.#closing;
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal.addEventListener("abort", done);
      if (signal.aborted) done();
    });
  }

  #nextAddress(): string | undefined {
    const { addresses } = this.#guises;
    return addresses[this.#opened++ % addresses.length];
  }

  async #connect(): Promise<RawSocket> {
    const socket = await RawSocket.connect(this);
    this.#sockets.add(socket);
    if (this.closed) this.close(socket);
    return socket;
  }

  async #oneOfFew(open: () => Promise<RawSocket>): Promise<RawSocket> {
    if (this.#shaking >= HANDSHAKES) await new Promise<void>((begin) => this.#queue.push(begin));
    if (this.closed) throw new Error("the site is closed");
    this.#shaking++;
    try {
      return await open();
    } finally {
      this.#shaking--;
      this.#queue.shift()?.();
    }
  }
}

/** Before a pass that failed at once is tried again. */
const AGAIN_MS = 50;

/** Runs all lanes until the site is closed. */
export async function abuse(site: Site, { pass, lanes }: Abuser): Promise<void> {
  const lane = async () => {
    while (!site.closed) {
      try {
        await pass(site);
      } catch (error) {
        if (site.closed) return; // it was cut short
        site.gets(endOf(error));
        site.inForce(); // as far as it is let
        await site.sleep(AGAIN_MS);
      }
    }
  };
  await Promise.all(Array.from({ length: lanes[site.size] }, lane));
}

/** What an error says of how a socket ended. */
function endOf(error: unknown): string {
  const isCut = error instanceof Deno.errors.ConnectionReset ||
    error instanceof Deno.errors.BrokenPipe || error instanceof Deno.errors.NotConnected;
  if (isCut) return "cut off";
  return firstLine(error instanceof Error ? error.message : String(error));
}

function firstLine(text: string): string {
  return text.slice(0, 80).split("\r\n", 1)[0] ?? "";
}
