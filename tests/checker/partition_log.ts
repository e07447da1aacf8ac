/** The known part of one partition's log, and all logs by name. */

import type { Origin } from "./operations.ts";

export type Witness = "log" | "poll" | "ack";

export interface Entry {
  readonly log: PartitionLog;
  readonly offset: number;
  readonly value: string;
  readonly origin: Origin | undefined;
  readonly witness: Witness;
  /** The first event that shows that it is stored. */
  shown: number;
  /** The first of these that is an acknowledgement; -1 if there is none. */
  acked: number;
}

export interface FinalLog {
  readonly at: number;
  readonly start: number;
  readonly next: number;
}

export class PartitionLog {
  readonly topic: string;
  readonly incarnation: string;
  readonly partition: number;
  /** `topic/partition` */
  readonly name: string;
  final: FinalLog | undefined;
  /** The highest known offset, or -1. */
  highest = -1;
  #first: number | undefined;
  /** Contiguous, from `#first` on. */
  readonly #row: Entry[] = [];
  /** Entries elsewhere. */
  readonly #apart = new Map<number, Entry>();
  #sorted: readonly Entry[] | undefined;

  constructor(topic: string, incarnation: string, partition: number) {
    this.topic = topic;
    this.incarnation = incarnation;
    this.partition = partition;
    this.name = `${topic}/${partition}`;
  }

  get size(): number {
    return this.#row.length + this.#apart.size;
  }

  at(offset: number): Entry | undefined {
    return this.#row[offset - (this.#first ?? 0)] ?? this.#apart.get(offset);
  }

  /** In order of offsets. */
  get sorted(): readonly Entry[] {
    if (this.#apart.size === 0) return this.#row;
    return this.#sorted ??= [...this.#row, ...this.#apart.values()]
      .sort((a, b) => a.offset - b.offset);
  }

  /** Whether the log at the end would have this offset. */
  reaches(offset: number): boolean {
    return this.final !== undefined && offset >= this.final.start;
  }

  add(entry: Entry): void {
    const first = this.#first ??= entry.offset;
    if (entry.offset === first + this.#row.length) this.#row.push(entry);
    else this.#apart.set(entry.offset, entry);
    if (entry.offset > this.highest) this.highest = entry.offset;
    this.#sorted = undefined;
  }
}

export class Logs {
  readonly #logs = new Map<string, PartitionLog>();

  get all(): Iterable<PartitionLog> {
    return this.#logs.values();
  }

  find(topic: string, incarnation: string, partition: number): PartitionLog | undefined {
    return this.#logs.get(`${topic}/${partition}/${incarnation}`);
  }

  get(topic: string, incarnation: string, partition: number): PartitionLog {
    const name = `${topic}/${partition}/${incarnation}`;
    let log = this.#logs.get(name);
    if (!log) this.#logs.set(name, log = new PartitionLog(topic, incarnation, partition));
    return log;
  }
}

/** A place, as texts name it. */
export function placeOf({ log, offset }: Pick<Entry, "log" | "offset">): string {
  return `${log.name}/${offset}`;
}
