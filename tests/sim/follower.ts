/** A simulated client that follows a topic by fan-out, and resumes at its position. */

import type { Frame } from "./client.ts";
import type { Place } from "../checker/history.ts";
import { type Position, ReadingClient, type RecordsFrame } from "./reading_client.ts";
import type { Site } from "./site.ts";

export interface FollowerOptions {
  readonly topic: string;
  /** Records that it may be sent before it has processed them; absent: unlimited. */
  readonly credit?: number;
  /** How long it takes for a push, from and to. */
  readonly paceMs?: readonly [number, number];
  /** Now and then it seeks back to what it has read. */
  readonly seeks?: boolean;
  /** Its position may be gone: the topic is deleted at times, or trimmed by retention. */
  readonly mayReset?: boolean;
}

export class Follower extends ReadingClient {
  readonly #options: FollowerOptions;
  readonly #next = new Map<number, number>();
  #incarnation = "";
  /** A position that survives its process. */
  #saved: { readonly next: Map<number, number>; readonly incarnation: string } | undefined;
  #subscription = 0;
  /** How often it has subscribed. */
  #turn = 0;

  constructor(site: Site, name: string, options: FollowerOptions) {
    super(site, name);
    this.#options = options;
  }

  protected override opened(): void {
    this.#subscribe();
  }

  protected override pushed(frame: Frame): void {
    switch (frame["type"]) {
      case "records":
        return this.#took(frame as unknown as RecordsFrame);
      case "gap":
        return this.#missed(frame);
      case "end":
        return this.#end();
    }
  }

  protected override get reader(): string {
    return this.name;
  }

  #took(frame: RecordsFrame): void {
    const { paceMs, seeks } = this.#options;
    this.take(frame, paceMs);
    this.#next.set(frame.partition, frame.next);
    const { scenario, world } = this.site;
    if (scenario.harsh && world.chance(0.05)) {
      this.#saved = { next: new Map(this.#next), incarnation: this.#incarnation };
    }
    if (seeks && world.chance(0.01)) this.#seek(frame.partition, frame.next);
  }

  /** It goes on at the position that it has saved, or from the start. */
  protected override forget(): void {
    this.#next.clear();
    for (const [partition, offset] of this.#saved?.next ?? []) this.#next.set(partition, offset);
    this.#incarnation = this.#saved?.incarnation ?? "";
  }

  #missed(frame: Frame): void {
    const { partition, offset } = this.miss(frame);
    this.#next.set(partition, offset);
  }

  /** Its topic was deleted: it starts with the next one of that name. */
  #end(): void {
    const { world } = this.site;
    if (!this.#options.mayReset) this.site.fault("ended", `${this.name} was ended`);
    this.#next.clear();
    const turn = this.#turn;
    world.after(world.between(10, 200), () => {
      if (this.isOpen && this.#turn === turn) this.#subscribe();
    });
  }

  #seek(partition: number, next: number): void {
    const { topic } = this.#options;
    const offset = Math.floor(this.site.world.between(0, next));
    const incarnation = this.#incarnation;
    const subscription = this.#subscription;
    const partitions = [{ topic, partition, offset }];
    this.ask({ type: "seek", subscription, partitions }, (reply) => {
      if (reply?.["type"] !== "ok") return;
      this.#begin(incarnation, [[partition, offset]]);
      this.#next.set(partition, offset);
    });
  }

  #subscribe(): void {
    this.#turn++;
    const { topic, credit } = this.#options;
    const positions = [...this.#next].map(([partition, offset]) => ({ partition, offset }));
    const resumes = positions.length > 0;
    const from = resumes ? { positions, incarnation: this.#incarnation } : "earliest";
    const room = credit ? { credit: { records: credit } } : {};
    this.ask({ type: "subscribe", topic, from, ...room }, (reply) => {
      if (reply) this.#subscribed(reply, resumes);
    });
  }

  #subscribed(reply: Frame, resumes: boolean): void {
    if (reply["type"] !== "ok") return this.cut();
    const { mayReset } = this.#options;
    const recovered = reply["recovered"] === true;
    if (!recovered && !mayReset) this.site.fault("reset", `${this.name}: ${JSON.stringify(reply)}`);
    this.#subscription = Number(reply["subscription"]);
    this.#incarnation = String(reply["incarnation"]);
    const places = (reply["positions"] as Position[]).map(({ partition, offset }) =>
      [partition, offset] as const
    );
    this.#begin(this.#incarnation, places, resumes ? recovered : undefined);
    this.#next.clear();
    for (const [partition, offset] of places) this.#next.set(partition, offset);
  }

  #begin(incarnation: string, positions: readonly Place[], recovered?: boolean): void {
    this.site.recorder.told(this.name, {
      f: "subscribe",
      reader: this.name,
      topic: this.#options.topic,
      incarnation,
      positions,
      ...recovered === undefined ? {} : { recovered },
    });
  }
}
