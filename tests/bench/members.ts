/** Members of a large group, each on its own socket: who owns what, and how long changes take. */

import { CROWDED, framesOf, type LeanClient, request } from "./lean_client.ts";
import { connect, HEARTBEAT, makeMany } from "./loads.ts";
import { release } from "./group_reading.ts";
import type { Server } from "./processes.ts";

const PATIENCE_MS = 60_000;

/** All members of a group, and who owns what. */
export class Crowd {
  readonly #server: Server;
  readonly #topic: string;
  readonly #members = new Map<LeanClient, Set<number>>();
  #changed: () => void = () => {};

  constructor(server: Server, topic: string) {
    this.#server = server;
    this.#topic = topic;
  }

  /** How many partitions are owned. */
  get owned(): number {
    let owned = 0;
    for (const partitions of this.#members.values()) owned += partitions.size;
    return owned;
  }

  /** Whether all partitions are owned, and the members' numbers of them differ by one at most. */
  isEven(partitions: number): boolean {
    const counts = [...this.#members.values()].map(({ size }) => size);
    return this.owned === partitions && Math.max(...counts) - Math.min(...counts) <= 1;
  }

  async join(members: number): Promise<void> {
    await makeMany(members, async () => {
      const client = await connect(this.#server, true, CROWDED);
      const partitions = new Set<number>();
      this.#members.set(client, partitions);
      client.onMessage = (bytes) => this.#take(client, partitions, bytes);
      await request(client, { id: 2, type: "join", group: "crowd", topics: [this.#topic] });
    });
  }

  /** Closes the sockets of so many at once. */
  die(members: number): void {
    for (const client of [...this.#members.keys()].slice(0, members)) {
      this.#members.delete(client);
      client.close();
    }
  }

  /** Milliseconds from now until it holds; checked after every change. */
  async until(holds: () => boolean): Promise<number> {
    const begun = performance.now();
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`The group is not settled after ${PATIENCE_MS} ms`)),
        PATIENCE_MS,
      );
      this.#changed = () => {
        if (!holds()) return;
        clearTimeout(timer);
        this.#changed = () => {};
        resolve();
      };
      this.#changed();
    });
    return performance.now() - begun;
  }

  close(): void {
    this.die(this.#members.size);
  }

  #take(client: LeanClient, partitions: Set<number>, bytes: Uint8Array): void {
    for (const frame of framesOf(bytes)) {
      if (frame["type"] === "ping") client.send(HEARTBEAT);
      const named = (frame["partitions"] ?? []) as readonly { readonly partition: number }[];
      for (const { partition } of named) {
        if (frame["type"] === "assign") partitions.add(partition);
        else partitions.delete(partition);
      }
    }
    release(client, bytes);
    this.#changed();
  }
}
