/**
 * Subscriptions, memberships and event streams of the subject, each with the places that it has
 * reached: every record of its keys must come, in order, and once.
 */

import { assertEquals } from "@std/assert";
import type { Frame, Pushes } from "../../support/frames.ts";
import type { Grants } from "../../support/token.ts";
import type { Ledger } from "./ledger.ts";

interface Reached {
  readonly topic: string;
  readonly partition: number;
  readonly incarnation: string;
  next: number;
}

export interface Wish {
  readonly topic: string;
  readonly keys: readonly string[] | undefined;
}

export class Following {
  readonly keys: readonly string[] | undefined;
  /** By topic and partition. */
  readonly #places = new Map<string, Reached>();
  readonly #ledger: Ledger;

  constructor(ledger: Ledger, keys: readonly string[] | undefined) {
    this.#ledger = ledger;
    this.keys = keys;
  }

  get places(): readonly Reached[] {
    return [...this.#places.values()];
  }

  begin(place: Reached): void {
    this.#places.set(`${place.topic}/${place.partition}`, { ...place });
  }

  end(topic: string, partition: number): void {
    this.#places.delete(`${topic}/${partition}`);
  }

  /** What comes next is at this offset: a seek, or a gap. */
  move(topic: string, partition: number, next: number): void {
    const place = this.#places.get(`${topic}/${partition}`);
    if (place) place.next = next;
  }

  /** These came, and there was nothing else of its keys before `next`. */
  came(topic: string, partition: number, offsets: readonly number[], next: number): void {
    const place = this.#places.get(`${topic}/${partition}`);
    const due = place ? this.#ledger.offsets(place, this.keys, [place.next, next]) : [];
    assertEquals(offsets, due, `what came of ${topic}/${partition} before ${next}`);
    this.move(topic, partition, next);
  }

  /** What came by a push of its subscription. */
  pushed(frame: Frame): void {
    if (frame.type === "records") {
      const { topic, partition, records, next, kept } = frame as unknown as Pushes["records"];
      // Kept records stand before the gap that was told of them.
      if (!kept) this.came(topic, partition, records.map(({ offset }) => offset), next);
    } else if (frame.type === "gap") {
      const { topic, partition, to } = frame as unknown as Pushes["gap"];
      this.move(topic, partition, to);
    } else if (frame.type === "assign") {
      for (const { offset, ...added } of (frame as unknown as Pushes["assign"]).partitions) {
        this.begin({ ...added, next: offset });
      }
    } else if (frame.type === "revoke") {
      for (const { topic, partition } of (frame as unknown as Pushes["revoke"]).partitions) {
        this.end(topic, partition);
      }
    }
  }

  assertNothingMissed(): void {
    for (const place of this.places) {
      const missed = this.#ledger.offsets(place, this.keys, [place.next, Infinity]);
      assertEquals(missed, [], `what did not come of ${place.topic}/${place.partition}`);
    }
  }
}

/** An event stream, read as fast as it comes. */
export class Stream extends Following {
  readonly topic: string;
  /** Of the token that it was opened with. */
  readonly grants: Grants;
  ended = false;
  readonly #ledger: Ledger;
  readonly #reader: ReadableStreamDefaultReader<string>;
  #text = "";

  constructor(response: Response, { topic, keys }: Wish, grants: Grants, ledger: Ledger) {
    super(ledger, keys);
    this.topic = topic;
    this.grants = grants;
    this.#ledger = ledger;
    this.#reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    this.#read();
  }

  async #read(): Promise<void> {
    for (let part = await this.#reader.read(); !part.done; part = await this.#reader.read()) {
      this.#text += part.value;
    }
    this.ended = true;
  }

  close(): Promise<void> {
    return this.#reader.cancel();
  }

  /** The fields of what has come since the last call, but for when to come again. */
  take(): Readonly<Record<string, string>>[] {
    const blocks = this.#text.split("\n\n");
    this.#text = blocks.pop() ?? "";
    return blocks.map((block) => {
      const fields = block.split("\n").map((line) => {
        const colon = line.indexOf(":");
        return [line.slice(0, colon), line.slice(colon + 1).trim()];
      });
      return Object.fromEntries(fields.filter(([name]) => name !== "retry"));
    });
  }

  heard({ event, id = "", data = "{}" }: Readonly<Record<string, string>>): void {
    const { incarnation } = this.#ledger.topic(this.topic);
    const { topic, partition, offset, to } = JSON.parse(data);
    if (event === "record") this.came(topic, partition, [offset], offset + 1);
    else if (event === "gap") this.move(topic, partition, to);
    else if (event === "reset") this.begin({ topic, partition, incarnation, next: offset });
    else if (id.startsWith(incarnation)) this.#opened(id, incarnation);
  }

  /** The id that it begins with has all places; it goes on in those of its keys. */
  #opened(id: string, incarnation: string): void {
    const { topic, keys } = this;
    const ofKeys = keys?.map((key) => this.#ledger.partitionOf(topic, key));
    for (const part of id.slice(id.indexOf(":") + 1).split("-")) {
      const [partition = NaN, next = NaN] = part.split(".").map((digits) => parseInt(digits, 36));
      if (ofKeys?.includes(partition) ?? true) this.begin({ topic, partition, incarnation, next });
    }
  }
}
