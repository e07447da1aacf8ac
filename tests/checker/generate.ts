/**
 * Generates correct histories: a made-up world of publishers, readers and groups over logs that
 * behave as they should, with lost connections, lost answers, sends that are stored late,
 * retention, a topic that is deleted, resets and rebalances. The same seed gives the same history.
 */

import { Chance } from "../support/chance.ts";
import type { Event } from "./history.ts";
import { Connection } from "./model/connection.ts";
import { ModelGroup } from "./model/group.ts";
import { Member } from "./model/member.ts";
import { Publisher } from "./model/publisher.ts";
import { Reader } from "./model/reader.ts";
import { ModelStore } from "./model/store.ts";
import type { Surroundings } from "./model/surroundings.ts";
import { Timeline } from "./model/timeline.ts";
import { Recorder } from "./recorder.ts";

export interface Extent {
  /** Requests and reads; after so many operations nothing new is begun. */
  readonly operations: number;
  readonly partitions: number;
  readonly publishers: number;
  readonly readers: number;
  /** Members of each group. */
  readonly members: number;
  /** How often a reader or a member is pushed something. */
  readonly paceMs: number;
  /** How often something fails. */
  readonly troubleMs: number;
}

export const SMALL: Extent = {
  operations: 500,
  partitions: 3,
  publishers: 4,
  readers: 3,
  members: 3,
  paceMs: 10,
  troubleMs: 15,
};

const DELAY_MS = 80;
const REVOKE_MS = 60;
/** The time that everything has to heal, and readers to catch up. */
const HEALING_MS = 4_000;

export function generate(seed: number, extent: Extent = SMALL): readonly Event[] {
  return new Run(seed, extent).run();
}

class Run implements Surroundings {
  readonly chance: Chance;
  readonly timeline = new Timeline();
  readonly store = new ModelStore();
  readonly delayMs = DELAY_MS;
  readonly #extent: Extent;
  #operations = 0;
  #healed = false;
  readonly recorder = new Recorder(() => this.timeline.now, (event) => {
    const isRead = event.type === "told" && event.f === "poll";
    if (event.type === "invoke" || isRead) this.#operations++;
  });
  #observer: Connection | undefined;
  #publishers: Publisher[] = [];
  #readers: Reader[] = [];
  readonly #members = new Map<ModelGroup, Member[]>();

  constructor(seed: number, extent: Extent) {
    this.chance = new Chance(seed);
    this.#extent = extent;
  }

  readonly isHealed = (): boolean => this.#healed;

  run(): readonly Event[] {
    this.#begin();
    const { timeline } = this;
    const isOver = () => this.#operations >= this.#extent.operations;
    while (!isOver()) timeline.run(timeline.now + 1_000, isOver);
    this.#healed = true;
    this.recorder.told("run", { f: "healed" });
    timeline.run(timeline.now + HEALING_MS);
    this.#readLogs();
    return this.recorder.events;
  }

  #begin(): void {
    const { recorder, chance } = this;
    const overlapMs = DELAY_MS + REVOKE_MS;
    recorder.terms({ overlapMs, groups: ["g", "h", "x"], graceMs: DELAY_MS, lagMs: HEALING_MS });
    for (const topic of ["a", "b", "out", "gone"]) this.#create(topic);
    this.#publishers = Array.from(
      { length: this.#extent.publishers },
      (_, i) => this.#publisher(i),
    );
    this.#readers = Array.from({ length: this.#extent.readers }, (_, i) => this.#reader(i));
    this.#group("g", ["a", "b"], undefined);
    this.#group("h", ["a"], "out");
    this.#group("x", ["gone"], undefined);
    for (const one of [...this.#publishers, ...this.#readers]) one.start();
    for (const members of this.#members.values()) for (const member of members) member.start();
    this.timeline.after(chance.between(0, this.#extent.troubleMs), () => this.#strike());
    this.#observe();
  }

  /** Somebody looks where a topic ends. */
  #observe(): void {
    if (this.#healed) return;
    const { chance, store, timeline } = this;
    if (chance.chance(0.1)) this.#observer?.cut();
    if (this.#observer?.isCut ?? true) this.#observer = new Connection(this, "observer");
    const topic = chance.pick(["a", "b", "gone", "out"]);
    this.#observer?.request({ f: "tail", topic }, () => {
      if (chance.chance(0.1)) return { type: "fail", error: "unavailable" };
      const { partitions } = store.topic(topic);
      const tails = partitions.map(({ values }, partition) => [partition, values.length] as const);
      return { type: "ok", tails };
    }, () => {});
    timeline.after(chance.between(1, 100), () => this.#observe());
  }

  #create(topic: string): void {
    const { incarnation, partitions } = this.store.create(topic, this.#extent.partitions);
    this.recorder.told("run", { f: "topic", topic, incarnation, partitions: partitions.length });
  }

  #publisher(number: number): Publisher {
    const topics = number % 3 === 2 ? ["gone"] : ["a", "b"];
    const options = { name: `p${number}`, topics, idempotent: number % 2 === 0, paceMs: 8 };
    this.recorder.told(options.name, { f: "grant", read: [], write: topics });
    return new Publisher(this, options);
  }

  #reader(number: number): Reader {
    const topics = ["a", "gone", "out", "b"];
    return new Reader(this, {
      name: `r${number}`,
      topic: topics[number % topics.length] ?? "a",
      from: this.chance.chance(0.7) ? "earliest" : "latest",
      filtered: this.chance.chance(0.2),
      paceMs: this.#extent.paceMs,
    });
  }

  #group(name: string, topics: readonly string[], into: string | undefined): void {
    const from = this.chance.chance(0.7) ? "earliest" : "latest";
    const group = new ModelGroup(this, { name, topics, from, revokeMs: REVOKE_MS });
    const tellsEpochs = this.chance.chance(0.6);
    const members = Array.from(
      { length: this.#extent.members },
      (_, i) =>
        new Member(this, group, {
          name: `${name}.${i}`,
          paceMs: this.#extent.paceMs,
          tellsEpochs,
          into,
        }),
    );
    this.#members.set(group, members);
  }

  /** Something fails, or an operator intervenes. */
  #strike(): void {
    if (this.#healed) return;
    const { chance } = this;
    const [group, members] = chance.pick([...this.#members]);
    const luck = chance.random();
    if (luck < 0.2) chance.pick(this.#publishers).cut();
    else if (luck < 0.4) chance.pick(this.#readers).cut();
    else if (luck < 0.6) chance.pick(members).cut();
    else if (luck < 0.7) chance.pick(members).expel();
    else if (luck < 0.75) this.#pauseMember(chance.pick(members));
    else if (luck < 0.9) this.#trim();
    else if (luck < 0.93) this.#delete();
    else if (luck < 0.96) this.#reset(group, members);
    else if (luck < 0.97) chance.pick(this.#readers).end();
    this.timeline.after(chance.between(0, 2 * this.#extent.troubleMs), () => this.#strike());
  }

  #pauseMember(member: Member): void {
    member.leave();
    this.timeline.after(this.chance.between(50, 300), () => member.join());
  }

  /** Retention deletes the first few records of a partition. */
  #trim(): void {
    const { chance, store } = this;
    const partition = chance.pick(store.topic(chance.pick(["a", "b", "gone"])).partitions);
    const { start, values } = partition;
    partition.start = start + Math.floor(chance.random() * Math.min(6, values.length - start + 1));
  }

  #delete(): void {
    const { recorder, chance, timeline } = this;
    const op = recorder.invoke("operator", { f: "delete", topic: "gone" });
    timeline.after(chance.between(1, 20), () => {
      if (chance.chance(0.1)) return recorder.fail("operator", op, "unavailable");
      this.#create("gone");
      for (const [group, members] of this.#members) {
        if (!group.options.topics.includes("gone")) continue;
        const gone = new Set(group.forget("gone"));
        for (const member of members) {
          if (member.session && gone.has(member.session)) member.expel();
        }
      }
      if (chance.chance(0.2)) recorder.info("operator", op, "timeout");
      else recorder.ok("operator", op);
    });
  }

  /** An operator sets committed offsets while the group has no members. */
  #reset(group: ModelGroup, members: readonly Member[]): void {
    const { chance, timeline, store, recorder } = this;
    const topic = chance.pick(group.options.topics);
    for (const member of members) member.leave();
    timeline.after(100, () => {
      const partition = Math.floor(chance.random() * this.#extent.partitions);
      const { start, values } = store.partition(topic, partition);
      const offset = start + Math.floor(chance.random() * (values.length - start + 1));
      const offsets = [[topic, partition, offset]] as const;
      const asked = { f: "reset", group: group.options.name, offsets } as const;
      const op = recorder.invoke("operator", asked);
      const luck = chance.random();
      if (!group.isEmpty() || luck < 0.1) recorder.fail("operator", op, "group_active");
      else if (luck < 0.2) recorder.info("operator", op, "timeout");
      else {
        group.reset([topic, partition, offset]);
        if (luck < 0.3) recorder.info("operator", op, "timeout");
        else recorder.ok("operator", op);
      }
      for (const member of members) member.join();
    });
  }

  #readLogs(): void {
    for (const { name: topic, incarnation, partitions } of this.store.topics.values()) {
      for (const [partition, { start, values }] of partitions.entries()) {
        const records = values.slice(start).map((value, i) => [start + i, value] as const);
        const log = { topic, incarnation, partition, start, next: values.length, records };
        this.recorder.told("run", { f: "log", ...log });
      }
    }
  }
}
