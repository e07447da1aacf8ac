/**
 * A TCP link between a gateway and its store, or between clients and whichever gateways are up, of
 * which its ends know nothing. It forwards bytes, or fails as networks do: a connection that it
 * breaks is reset at both ends, which only sockets of `node:net` can do.
 */

import net from "node:net";

/** What happens to the traffic. */
export type Weather =
  | "fair"
  /** Nothing gets through, and neither end is told. */
  | "blackhole"
  /** Connections break, and so does each new one at once. */
  | "refuse"
  /** Requests arrive; the connection breaks before the answer. */
  | "loseReplies"
  /** A response breaks off in the middle. */
  | "cutReplies"
  /** Everything is delayed. */
  | "slow";

export const WEATHERS: readonly Weather[] = [
  "blackhole",
  "refuse",
  "loseReplies",
  "cutReplies",
  "slow",
];

export const CUT_BYTES = 40;

export class Link {
  readonly #server: net.Server;
  readonly #target: () => number | undefined;
  readonly #random: () => number;
  /** What breaks each connection. */
  readonly #open = new Set<() => void>();
  weather: Weather = "fair";

  private constructor(target: () => number | undefined, random: () => number) {
    this.#target = target;
    this.#random = random;
    this.#server = net.createServer((near) => this.#join(near));
  }

  /** `target`: the port that a new connection goes to; undefined: it is refused. */
  static async open(target: () => number | undefined, random: () => number): Promise<Link> {
    const link = new Link(target, random);
    const listening = Promise.withResolvers<void>();
    link.#server.listen(0, "127.0.0.1", listening.resolve);
    await listening.promise;
    return link;
  }

  get port(): number {
    return (this.#server.address() as net.AddressInfo).port;
  }

  /** Breaks one connection; returns whether there is one. */
  cutOne(): boolean {
    const all = [...this.#open];
    const cut = all[Math.floor(this.#random() * all.length)];
    cut?.();
    return cut !== undefined;
  }

  close(): void {
    this.#server.close();
    for (const cut of [...this.#open]) cut();
  }

  #join(near: net.Socket): void {
    const port = this.#target();
    if (port === undefined || this.weather === "refuse") return void near.resetAndDestroy();
    const far = net.connect({ port, host: "127.0.0.1" });
    const cut = () => {
      this.#open.delete(cut);
      near.resetAndDestroy();
      far.resetAndDestroy();
    };
    this.#open.add(cut);
    this.#pass(near, far, cut, false);
    this.#pass(far, near, cut, true);
  }

  /** What an end does, the other end sees: bytes, a close, a reset. */
  #pass(from: net.Socket, to: net.Socket, cut: () => void, isReply: boolean): void {
    from.setNoDelay(true);
    from.on("data", async (bytes) => {
      from.pause();
      if (!await this.#forward(bytes, to, isReply)) return cut();
      from.resume();
    });
    from.on("end", () => to.end());
    from.on("error", cut);
    from.on("close", () => {
      this.#open.delete(cut);
      to.destroy();
    });
  }

  /** Returns whether the connection lasts. */
  async #forward(bytes: Uint8Array, to: net.Socket, isReply: boolean): Promise<boolean> {
    if (this.weather === "blackhole") return true;
    if (this.weather === "slow") {
      await new Promise((resolve) => setTimeout(resolve, 50 + this.#random() * 400));
    }
    if (this.weather === "refuse" || (isReply && this.weather === "loseReplies")) return false;
    const isCut = isReply && this.weather === "cutReplies" && bytes.length > CUT_BYTES;
    await write(to, isCut ? bytes.subarray(0, CUT_BYTES) : bytes);
    return !isCut;
  }
}

/** Resolves when it is written, or never will be. */
function write(to: net.Socket, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve) => to.write(bytes, () => resolve()));
}
