/**
 * A TCP link between a gateway and its store, or between clients and whichever gateways are up, of
 * which its ends know nothing. It forwards bytes, or fails as networks do.
 */

/** What happens to the traffic. */
export type Weather =
  | "fair"
  /** Nothing gets through, and neither end is told. */
  | "blackhole"
  /** Connections break, and new ones are refused. */
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

const CUT_BYTES = 40;

export class Link {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #target: () => number | undefined;
  readonly #random: () => number;
  readonly #open = new Set<() => void>();
  weather: Weather = "fair";

  /** `target`: the port that a new connection goes to; undefined: it is refused. */
  constructor(target: () => number | undefined, random: () => number) {
    this.#target = target;
    this.#random = random;
    this.#accept();
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  /** Breaks one connection. */
  cutOne(): void {
    const all = [...this.#open];
    all[Math.floor(this.#random() * all.length)]?.();
  }

  cutAll(): void {
    for (const cut of [...this.#open]) cut();
  }

  close(): void {
    this.#listener.close();
    this.cutAll();
  }

  async #accept(): Promise<void> {
    try {
      for await (const near of this.#listener) this.#join(near).catch(() => {});
    } catch {
      // It was closed already.
    }
  }

  async #join(near: Deno.TcpConn): Promise<void> {
    const port = this.#target();
    if (port === undefined || this.weather === "refuse") return near.close();
    const far = await Deno.connect({ hostname: "127.0.0.1", port }).catch(() => undefined);
    if (!far) return near.close();
    far.setNoDelay(true);
    near.setNoDelay(true);
    const cut = () => {
      if (!this.#open.delete(cut)) return;
      near.close();
      far.close();
    };
    this.#open.add(cut);
    await Promise.all([this.#pass(near, far, cut, false), this.#pass(far, near, cut, true)]);
  }

  async #pass(
    from: Deno.TcpConn,
    to: Deno.TcpConn,
    cut: () => void,
    isReply: boolean,
  ): Promise<void> {
    const buffer = new Uint8Array(1 << 16);
    try {
      for (let read = await from.read(buffer); read !== null; read = await from.read(buffer)) {
        const bytes = buffer.subarray(0, read);
        if (await this.#delayed() === "lost") continue;
        if (this.weather === "refuse" || (isReply && this.weather === "loseReplies")) break;
        if (isReply && this.weather === "cutReplies" && read > CUT_BYTES) {
          await write(to, bytes.subarray(0, CUT_BYTES));
          break;
        }
        await write(to, bytes);
      }
    } catch {
      // One end is gone, so the other is closed.
    }
    cut();
  }

  async #delayed(): Promise<"lost" | "passed"> {
    if (this.weather === "blackhole") return "lost";
    if (this.weather === "slow") {
      await new Promise((resolve) => setTimeout(resolve, 50 + this.#random() * 400));
    }
    return "passed";
  }
}

async function write(to: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await to.write(bytes.subarray(at));
}
