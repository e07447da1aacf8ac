/**
 * Builds a made-up history in few words: partitions are named `topic/partition`, the group is `g`,
 * the incarnation of a topic is `1`, and every event is a millisecond after the last.
 */

import type { Commit, Event, Position, ProducerStamp, Send } from "../history.ts";
import { Recorder } from "../recorder.ts";

export class Sketch {
  readonly #recorder = new Recorder(() => this.#at++);
  #at = 0;

  get events(): readonly Event[] {
    return this.#recorder.events;
  }

  /** Time passes. */
  wait(ms: number): void {
    this.#at += ms;
  }

  terms(overlapMs = 100, unrecorded: readonly string[] = []): void {
    this.#recorder.terms({ overlapMs, groups: ["g"], unrecorded, graceMs: 100, lagMs: 100 });
  }

  /** A token that allows to read these topics, and to publish to those. */
  granted(
    process: string,
    read: string,
    write = "",
    more: { until?: number; groups?: readonly string[] } = {},
  ): void {
    const rights = { read: listed(read), write: listed(write) };
    this.#recorder.told(process, { f: "grant", ...rights, ...more });
  }

  healed(): void {
    this.#recorder.told("run", { f: "healed" });
  }

  topic(topic: string, partitions: number, incarnation = "1"): void {
    this.#recorder.told("run", { f: "topic", topic, partitions, incarnation });
  }

  /** Sends one part to one topic; returns the number of the operation. */
  send(topic: string, values: string, producer?: ProducerStamp): number {
    return this.sends([{ topic, values: listed(values), ...(producer ? { producer } : {}) }]);
  }

  /** Sends one record with a key. */
  keyed(topic: string, key: string, value: string): number {
    return this.sends([{ topic, values: [value], keys: [key] }]);
  }

  sends(sends: readonly Send[], commit?: Commit): number {
    const process = sends[0]?.producer?.id ?? "sender";
    return this.#recorder.invoke(process, { f: "send", sends, ...(commit ? { commit } : {}) });
  }

  /** The answer to a send of one part, with the places of its records. */
  stored(op: number, ...names: string[]): void {
    this.#recorder.ok("sender", op, { places: [names.map(placed)] });
  }

  /** The answer to a send of several parts. */
  allStored(op: number, ...parts: string[]): void {
    const places = parts.map((names) => listed(names).map(placed));
    this.#recorder.ok("sender", op, { places });
  }

  /** A send of one record, with its answer. */
  published(value: string, place: string, producer?: ProducerStamp): void {
    const [topic = ""] = place.split("/");
    this.stored(this.send(topic, value, producer), place);
  }

  ok(op: number, committed?: readonly Position[]): void {
    this.#recorder.ok("someone", op, committed ? { committed } : {});
  }

  duplicate(op: number, ...names: string[]): void {
    this.#recorder.ok("sender", op, { places: [names.map(placed)], duplicate: true });
  }

  fail(op: number): void {
    this.#recorder.fail("someone", op, "refused");
  }

  info(op: number): void {
    this.#recorder.info("someone", op, "timeout");
  }

  deletes(topic: string): number {
    return this.#recorder.invoke("run", { f: "delete", topic });
  }

  /** Requests where a topic ends. */
  tail(topic: string): number {
    return this.#recorder.invoke("run", { f: "tail", topic });
  }

  /** The answer: where its partition 0 ends. */
  ends(op: number, next: number): void {
    this.#recorder.ok("run", op, { tails: [[0, next]] });
  }

  resets(name: string, offset: number): number {
    return this.#recorder.invoke("run", {
      f: "reset",
      group: "g",
      offsets: [positioned(name, offset)],
    });
  }

  subscribes(
    reader: string,
    name: string,
    offset: number,
    more: { incarnation?: string; recovered?: boolean; filtered?: boolean } = {},
  ): void {
    const [topic, partition] = positioned(name, offset);
    const { incarnation = "1", ...rest } = more;
    const positions = [[partition, offset]] as const;
    this.#recorder.told(reader, { f: "subscribe", reader, topic, incarnation, positions, ...rest });
  }

  unsubscribes(reader: string, topic: string): void {
    this.#recorder.told(reader, { f: "unsubscribe", reader, topic });
  }

  /** Records from an offset on; `-` leaves one out. */
  polls(reader: string, name: string, offset: number, values: string, next?: number): void {
    const records = numbered(offset, values);
    this.polled(reader, name, records, next);
  }

  polled(
    reader: string,
    name: string,
    records: readonly (readonly [number, string])[],
    next?: number,
  ): void {
    const [topic, partition] = positioned(name, 0);
    const more = next === undefined ? {} : { next };
    this.#recorder.told(reader, { f: "poll", reader, topic, partition, records, ...more });
  }

  gap(
    reader: string,
    name: string,
    from: number,
    to: number,
    reason: "trimmed" | "slow" = "slow",
  ): void {
    const [topic, partition] = positioned(name, 0);
    this.#recorder.told(reader, { f: "gap", reader, topic, partition, from, to, reason });
  }

  assigned(member: string, name: string, offset: number, epoch?: number): void {
    const partitions = [positioned(name, offset)];
    const more = epoch === undefined ? {} : { epoch };
    this.#recorder.told(member, { f: "assign", group: "g", member, partitions, ...more });
  }

  /** It owns this of a certain incarnation of its topic, from the start. */
  given(member: string, name: string, incarnation: string): void {
    const partitions = [[...positioned(name, 0), incarnation] as const];
    this.#recorder.told(member, { f: "assign", group: "g", member, partitions });
  }

  /** It is in the group, and owns nothing yet. */
  joined(member: string, topics?: readonly string[]): void {
    const more = topics ? { topics } : {};
    this.#recorder.told(member, { f: "assign", group: "g", member, partitions: [], ...more });
  }

  revoked(member: string, name: string, lost = false): void {
    const [topic, partition] = positioned(name, 0);
    const partitions = [[topic, partition]] as const;
    this.#recorder.told(member, { f: "revoke", group: "g", member, lost, partitions });
  }

  released(member: string, name: string): void {
    const [topic, partition] = positioned(name, 0);
    const partitions = [[topic, partition]] as const;
    this.#recorder.told(member, { f: "release", group: "g", member, partitions });
  }

  left(member: string): void {
    this.#recorder.told(member, { f: "left", group: "g", member });
  }

  connection(member: string, up: boolean): void {
    this.#recorder.told(member, { f: "connection", member, up });
  }

  commits(member: string, name: string, offset: number): number {
    const commit = { group: "g", member, offsets: [positioned(name, offset)] };
    return this.#recorder.invoke(member, { f: "commit", commit });
  }

  committed(member: string, name: string, offset: number): void {
    this.ok(this.commits(member, name, offset));
  }

  log(name: string, start: number, values: string, incarnation = "1", next?: number): void {
    const [topic, partition] = positioned(name, 0);
    const records = numbered(start, values);
    this.#recorder.told("run", {
      f: "log",
      topic,
      partition,
      incarnation,
      start,
      next: next ?? start + listed(values).length,
      records,
    });
  }
}

function listed(values: string): string[] {
  return values === "" ? [] : values.split(" ");
}

function numbered(offset: number, values: string): (readonly [number, string])[] {
  return listed(values).map((value, i) => [offset + i, value] as const)
    .filter(([, value]) => value !== "-");
}

function positioned(name: string, offset: number): Position {
  const [topic = "", partition] = name.split("/");
  return [topic, Number(partition), offset];
}

function placed(place: string): [partition: number, offset: number] {
  const [, partition, offset] = place.split("/");
  return [Number(partition), Number(offset)];
}
