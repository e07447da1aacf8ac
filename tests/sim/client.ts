/** A simulated client's connection: hello, requests with their replies, and coming back when it is lost. */

import type { Gateway } from "../../src/gateway.ts";
import { connect, type Socket } from "./network.ts";
import type { World } from "./world.ts";

export type Frame = Readonly<Record<string, unknown>>;

export interface Site {
  readonly world: World;
  /** The gateway that is up, if one is. */
  gateway(): Gateway | undefined;
}

export abstract class SimClient {
  protected readonly site: Site;
  #socket: Socket | undefined;
  #waiting = new Map<number, (reply: Frame | undefined) => void>();
  #id = 0;
  #stopped = false;

  constructor(site: Site) {
    this.site = site;
  }

  start(): void {
    this.#connect();
  }

  /** It is connected, anew. */
  protected abstract opened(): void;
  protected abstract pushed(frame: Frame): void;

  get isOpen(): boolean {
    return this.#socket?.isOpen ?? false;
  }

  cut(): void {
    this.#socket?.cut();
  }

  stop(): void {
    this.#stopped = true;
    this.#socket?.cut();
  }

  protected push(frame: Frame): void {
    if (this.isOpen) this.#socket?.send(JSON.stringify(frame));
  }

  /** The reply; undefined if the connection was lost before it came. */
  protected request(frame: Frame): Promise<Frame | undefined> {
    return new Promise((resolve) => {
      if (!this.isOpen) return resolve(undefined);
      const id = ++this.#id;
      this.#waiting.set(id, resolve);
      this.#socket?.send(JSON.stringify({ ...frame, id }));
    });
  }

  #connect(): void {
    const { world } = this.site;
    if (this.#stopped) return;
    const gateway = this.site.gateway();
    if (!gateway) {
      world.after(50, () => this.#connect());
      return;
    }
    this.#socket = connect(world, gateway, {
      message: (text) => {
        for (const frame of [JSON.parse(text)].flat()) this.#receive(frame);
      },
      closed: () => {
        for (const resolve of this.#waiting.values()) resolve(undefined);
        this.#waiting.clear();
        world.after(world.between(10, 300), () => this.#connect());
      },
    });
    this.#socket.send(JSON.stringify({ type: "hello", id: ++this.#id }));
    this.opened();
  }

  #receive(frame: Frame): void {
    if (frame["type"] === "ping") this.push({ type: "heartbeat" });
    const { id } = frame;
    if (typeof id !== "number") return this.pushed(frame);
    this.#waiting.get(id)?.(frame);
    this.#waiting.delete(id);
  }
}
