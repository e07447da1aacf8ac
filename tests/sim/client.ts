/** A simulated client's connection: hello, requests with their replies, and reconnecting. */

import { connect, type Socket } from "./network.ts";
import type { Process } from "./process.ts";
import type { Site } from "./site.ts";

/** Up to more than a session is kept. */
const LONG_AWAY_MS = [500, 6_000] as const;

export type Frame = Readonly<Record<string, unknown>>;

export abstract class SimClient {
  readonly name: string;
  protected readonly site: Site;
  #socket: Socket | undefined;
  #gateway: Process | undefined;
  #waiting = new Map<number, (reply: Frame | undefined) => void>();
  #id = 0;
  #stopped = false;
  #lives = 0;
  /** The gateway of the last connection does not know that it is gone. */
  protected leftOpen = false;

  constructor(site: Site, name: string) {
    this.site = site;
    this.name = name;
  }

  start(): void {
    this.#connect();
  }

  /** Called on each new connection. */
  protected abstract opened(): void;
  protected abstract pushed(frame: Frame): void;
  /** Called when the connection is lost. */
  protected lost(): void {}
  /** Called when it crashes: nothing that it knew is left. */
  protected forget(): void {}

  /** Which of its processes runs. */
  protected get life(): number {
    return this.#lives;
  }

  get isOpen(): boolean {
    return this.#socket?.isOpen ?? false;
  }

  /** Whether everything that it asked on its connection was answered. */
  get isAnswered(): boolean {
    return this.#waiting.size === 0;
  }

  get isStopped(): boolean {
    return this.#stopped;
  }

  /** The gateway that it is, or was last, connected to. */
  protected get gateway(): Process | undefined {
    return this.#gateway;
  }

  cut(): void {
    this.#socket?.cut();
  }

  /** Takes its connection for dead and makes another; the gateway is not told. */
  abandon(): void {
    if (!this.isOpen) return;
    this.#socket = undefined;
    this.leftOpen = true;
    this.#closed();
  }

  /**
   * Its process ends, and another takes its place that knows nothing. `silently`: so does its
   * machine, and the gateway is not told.
   */
  crash(silently: boolean): void {
    const socket = this.#socket;
    if (!socket?.isOpen) return;
    this.site.rare.clientCrashed++;
    this.#lives++;
    this.#socket = undefined;
    if (silently) this.leftOpen = true;
    else socket.cut();
    this.#closed();
    this.forget();
  }

  stop(): void {
    this.#stopped = true;
    this.#socket?.cut();
  }

  protected push(frame: Frame): void {
    if (this.isOpen) this.#socket?.send(JSON.stringify(frame));
  }

  /** `replied` gets the reply before any later message is handled; undefined if none can come. */
  protected ask(frame: Frame, replied: (reply: Frame | undefined) => void): void {
    if (!this.isOpen) return replied(undefined);
    const id = ++this.#id;
    this.#waiting.set(id, replied);
    this.#socket?.send(JSON.stringify({ ...frame, id }));
  }

  protected request(frame: Frame): Promise<Frame | undefined> {
    return new Promise((resolve) => this.ask(frame, resolve));
  }

  #connect(): void {
    const { world } = this.site;
    if (this.#stopped) return;
    const gateway = this.site.gateway();
    if (!gateway) {
      world.after(50, () => this.#connect());
      return;
    }
    const socket = connect(world, gateway, {
      message: (text) => {
        if (this.#socket !== socket) return;
        for (const frame of [JSON.parse(text)].flat()) this.#receive(frame);
      },
      closed: () => {
        if (this.#socket === socket) this.#closed();
      },
    });
    this.#socket = socket;
    this.#gateway = gateway;
    socket.send(JSON.stringify({ type: "hello", id: ++this.#id }));
    this.opened();
  }

  #closed(): void {
    const { world } = this.site;
    this.lost();
    const unanswered = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const replied of unanswered) replied(undefined);
    world.after(this.#away(), () => this.#connect());
  }

  /** How long it stays away after losing its connection. */
  #away(): number {
    const { world, scenario } = this.site;
    if (scenario.wide && world.chance(0.1)) return world.between(...LONG_AWAY_MS);
    return world.between(10, 300);
  }

  #receive(frame: Frame): void {
    if (frame["type"] === "ping") this.push({ type: "heartbeat" });
    const { id } = frame;
    if (typeof id !== "number") return this.pushed(frame);
    const replied = this.#waiting.get(id);
    this.#waiting.delete(id);
    replied?.(frame);
  }
}
