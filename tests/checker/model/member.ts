/**
 * A member of a group in the made-up world: reads, commits, passes on what it reads in
 * transactions, releases what is revoked, and comes back after losing its connection.
 */

import type { Position, Telling } from "../history.ts";
import { Connection, type Outcome } from "./connection.ts";
import type { Assigned, GroupMember, ModelGroup, Share } from "./group.ts";
import type { Surroundings } from "./surroundings.ts";

export interface MemberOptions {
  readonly name: string;
  readonly paceMs: number;
  /** Whether it is told the group's epochs, and records them. */
  readonly tellsEpochs: boolean;
  /** The topic that it passes records on to, if any. */
  readonly into: string | undefined;
}

/** Records that reach a member at once, at most. */
const BATCH = 6;
/** The same after healing, so that they catch up. */
const LARGE_BATCH = 200;

/** The client's view. */
interface Owned {
  readonly topic: string;
  readonly partition: number;
  readonly incarnation: string;
  next: number;
  /** The offset that it has asked to commit. */
  asked: number;
  /** Records that it got and has not committed. */
  fresh: (readonly [offset: number, value: string])[];
}

export class Member {
  readonly #world: Surroundings;
  readonly #options: MemberOptions;
  readonly #group: ModelGroup;
  #session: Session | undefined;
  #sessions = 0;

  constructor(world: Surroundings, group: ModelGroup, options: MemberOptions) {
    this.#world = world;
    this.#group = group;
    this.#options = options;
  }

  start(): void {
    this.join();
    this.#pace();
  }

  join(): void {
    if (this.#session) return;
    const { name } = this.#options;
    const member = `${name}#${++this.#sessions}`;
    this.#session = new Session(this.#world, this.#group, { ...this.#options, name: member });
    this.#session.join();
  }

  /** Its connection breaks, and it notices at once. */
  leave(): void {
    this.#session?.end();
    this.#session = undefined;
  }

  cut(): void {
    this.leave();
    this.join();
  }

  /** Its gateway is taken for dead: what it tells this member arrives late. */
  expel(): void {
    const session = this.#session;
    if (!session) return;
    this.#group.remove(session);
    session.connection.tell(() => {
      if (session === this.#session) this.cut();
    });
  }

  get session(): GroupMember | undefined {
    return this.#session;
  }

  #pace(): void {
    const { timeline, chance } = this.#world;
    timeline.after(chance.between(0.1, 2 * this.#options.paceMs), () => {
      if (this.#session?.connection.isCut) this.cut();
      this.#session?.act();
      this.#pace();
    });
  }
}

/** One membership, from a join to a loss. */
class Session implements GroupMember {
  readonly #world: Surroundings;
  readonly #options: MemberOptions;
  readonly #group: ModelGroup;
  readonly connection: Connection;
  readonly #owned = new Map<string, Owned>();
  #copies = 0;
  /** The gateway's view: nothing that still arrives counts. */
  #isGone = false;

  constructor(world: Surroundings, group: ModelGroup, options: MemberOptions) {
    this.#world = world;
    this.#group = group;
    this.#options = options;
    this.connection = new Connection(world, options.name);
  }

  join(): void {
    this.connection.send(() => {
      if (!this.#isGone) this.#group.join(this);
    });
  }

  end(): void {
    if (this.connection.isCut) return;
    this.connection.cut();
    const { name: member } = this.#options;
    this.#told({ f: "left", group: this.#group.options.name, member });
    // The gateway notices later.
    const { timeline, chance } = this.#world;
    timeline.after(chance.between(0, 30), () => {
      this.#isGone = true;
      this.#group.remove(this);
    });
  }

  act(): void {
    for (const share of this.#group.shares) if (share.owner === this) this.#push(share);
    const { chance, isHealed } = this.#world;
    if (this.#owned.size === 0 || !chance.chance(0.4)) return;
    const owned = chance.pick([...this.#owned.values()]);
    if (this.#options.into !== undefined && owned.fresh.length > 0 && chance.chance(0.5)) {
      return this.#passOn(owned, this.#options.into);
    }
    // Sometimes one below the committed offset: it changes nothing.
    const isBehind = !isHealed() && chance.chance(0.1);
    if (owned.asked >= owned.next && !isBehind) return;
    owned.asked = owned.next;
    this.#commit(owned, Math.max(0, owned.next - (isBehind ? 2 : 0)));
  }

  assign(epoch: number, given: readonly Assigned[]): void {
    const { name: member, tellsEpochs } = this.#options;
    this.connection.tell(() => {
      for (const { topic, partition, offset, incarnation } of given) {
        this.#owned.set(`${topic}/${partition}`, {
          topic,
          partition,
          incarnation,
          next: offset,
          asked: offset,
          fresh: [],
        });
      }
      this.#told({
        f: "assign",
        group: this.#group.options.name,
        member,
        ...(tellsEpochs ? { epoch } : {}),
        partitions: given.map(({ topic, partition, offset, incarnation }) =>
          [topic, partition, offset, incarnation] as const
        ),
      });
    });
  }

  revoke(epoch: number, { topic, partition }: Share, lost: boolean): void {
    const { name: member, tellsEpochs } = this.#options;
    const partitions = [[topic, partition]] as const;
    const group = this.#group.options.name;
    this.connection.tell(() => {
      const owned = this.#owned.get(`${topic}/${partition}`);
      this.#owned.delete(`${topic}/${partition}`);
      this.#told({
        f: "revoke",
        group,
        member,
        ...(tellsEpochs ? { epoch } : {}),
        lost,
        partitions,
      });
      if (!lost && owned) this.#giveUp(owned);
    });
  }

  #giveUp(owned: Owned): void {
    const { topic, partition, next } = owned;
    const { chance, timeline } = this.#world;
    const { name: member } = this.#options;
    // Some never answer: then the deadline takes it from them.
    if (chance.chance(0.1)) return;
    timeline.after(chance.between(0, 20), () => {
      if (this.connection.isCut) return;
      if (chance.chance(0.7)) this.#commit(owned, next);
      const partitions = [[topic, partition]] as const;
      this.#told({ f: "release", group: this.#group.options.name, member, partitions });
      this.connection.send(() => this.#group.release(this, topic, partition));
    });
  }

  #push(share: Share): void {
    const { store, isHealed } = this.#world;
    const { topic, partition, position } = share;
    if (share.revoking) return;
    const { start, values } = store.partition(topic, partition);
    const { name: reader } = this.#options;
    if (position < start) {
      share.position = start;
      return this.connection.tell(() => {
        const owned = this.#owned.get(`${topic}/${partition}`);
        if (owned) owned.next = start;
        const gap = { f: "gap", reader, topic, partition, from: position, to: start } as const;
        this.#told({ ...gap, reason: "trimmed" });
      });
    }
    const next = Math.min(values.length, position + (isHealed() ? LARGE_BATCH : BATCH));
    if (next === position) return;
    share.position = next;
    const records = values.slice(position, next).map((value, i) => [position + i, value] as const);
    this.connection.tell(() => {
      const owned = this.#owned.get(`${topic}/${partition}`);
      if (owned) {
        owned.next = next;
        if (this.#options.into !== undefined) owned.fresh.push(...records);
      }
      this.#told({ f: "poll", reader, topic, partition, records, next });
    });
  }

  #commit({ topic, partition, incarnation }: Owned, offset: number): void {
    const { name: member } = this.#options;
    const offsets = [[topic, partition, offset]] as const;
    const commit = { group: this.#group.options.name, member, offsets };
    this.connection.request(
      { f: "commit", commit },
      () => this.#carryOut(offsets, incarnation),
      ({ type }) => {
        if (type === "ok") this.#committed(offsets);
      },
    );
  }

  #committed(offsets: readonly Position[]): void {
    for (const [topic, partition, offset] of offsets) {
      const owned = this.#owned.get(`${topic}/${partition}`);
      if (owned) owned.fresh = owned.fresh.filter(([other]) => other >= offset);
    }
  }

  #carryOut(offsets: readonly Position[], incarnation: string): Outcome {
    const { chance, isHealed } = this.#world;
    if (!this.#group.owns(this, offsets, incarnation)) return { type: "fail", error: "not_owner" };
    const luck = isHealed() ? 1 : chance.random();
    if (luck < 0.03) return { type: "info", error: "timeout" };
    const committed = this.#group.commit(offsets);
    if (luck < 0.06) return { type: "info", error: "timeout" };
    return { type: "ok", committed };
  }

  /** Sends copies of what it got, and its commit, in one transaction. */
  #passOn({ topic, partition, incarnation, next, fresh }: Owned, into: string): void {
    const { chance, store, isHealed } = this.#world;
    const { name: member } = this.#options;
    const values = fresh.map(([, value]) => `${value}>${member}.${this.#copies++}`);
    const partitions = values.map(() =>
      Math.floor(chance.random() * store.topic(into).partitions.length)
    );
    const offsets = [[topic, partition, next]] as const;
    const commit = { group: this.#group.options.name, member, offsets };
    const send = { topic: into, values };
    const carryOut = (): Outcome => {
      if (!this.#group.owns(this, offsets, incarnation)) {
        return { type: "fail", error: "not_owner" };
      }
      const luck = isHealed() ? 1 : chance.random();
      if (luck < 0.03) return { type: "info", error: "timeout" };
      const appended = store.append([{ ...send, partitions }]);
      const committed = this.#group.commit(offsets);
      if (luck < 0.06) return { type: "info", error: "timeout" };
      return { type: "ok", places: appended?.places ?? [], committed };
    };
    // What may have happened is not retried: the next owner of the partition continues.
    this.connection.request({ f: "send", sends: [send], commit }, carryOut, ({ type }) => {
      if (type === "info") this.end();
      else if (type === "ok") this.#committed(offsets);
    });
  }

  #told(telling: Telling): void {
    this.#world.recorder.told(this.#options.name, telling);
  }
}
