/** A group of the made-up world, as gateways keep it: who owns what, and what is committed. */

import type { Position } from "../history.ts";
import type { Surroundings } from "./surroundings.ts";

export interface Share {
  readonly topic: string;
  readonly partition: number;
  readonly incarnation: string;
  readonly owner: GroupMember;
  /** The next offset to push. */
  position: number;
  revoking: boolean;
}

export interface Assigned {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly incarnation: string;
}

/** What a group tells a member; it reaches the client with a delay. */
export interface GroupMember {
  assign(epoch: number, partitions: readonly Assigned[]): void;
  revoke(epoch: number, share: Share, lost: boolean): void;
}

export interface GroupOptions {
  readonly name: string;
  readonly topics: readonly string[];
  readonly from: "earliest" | "latest";
  /** How long a member may take to give something up. */
  readonly revokeMs: number;
}

export class ModelGroup {
  readonly #world: Surroundings;
  readonly options: GroupOptions;
  readonly #members = new Set<GroupMember>();
  /** For each `topic/partition`, its owner and its position. */
  readonly #shares = new Map<string, Share>();
  /** For each `topic/partition/incarnation`, what is committed. */
  readonly #committed = new Map<string, number>();
  #epoch = 0;

  constructor(world: Surroundings, options: GroupOptions) {
    this.#world = world;
    this.options = options;
  }

  get shares(): Iterable<Share> {
    return this.#shares.values();
  }

  has(member: GroupMember): boolean {
    return this.#members.has(member);
  }

  isEmpty(): boolean {
    return this.#members.size === 0;
  }

  join(member: GroupMember): void {
    this.#members.add(member);
    const epoch = this.#epoch + 1;
    this.#reconcile();
    // A member that gets nothing is told that it has joined.
    const hasSome = [...this.#shares.values()].some(({ owner }) => owner === member);
    if (!hasSome) member.assign(epoch, []);
  }

  remove(member: GroupMember): void {
    if (!this.#members.delete(member)) return;
    for (const [name, { owner }] of this.#shares) if (owner === member) this.#shares.delete(name);
    this.#reconcile();
  }

  release(member: GroupMember, topic: string, partition: number): void {
    const share = this.#shares.get(`${topic}/${partition}`);
    if (share?.owner !== member || !share.revoking) return;
    this.#shares.delete(`${topic}/${partition}`);
    this.#reconcile();
  }

  /** Whether it owns these, of the incarnation that it had read. */
  owns(member: GroupMember, offsets: readonly Position[], incarnation: string): boolean {
    return offsets.every(([topic, partition]) => {
      const share = this.#shares.get(`${topic}/${partition}`);
      return share?.owner === member && share.incarnation === incarnation;
    });
  }

  /** Returns what is committed afterwards; it never goes down. */
  commit(offsets: readonly Position[]): Position[] {
    return offsets.map(([topic, partition, offset]): Position => {
      const key = this.#keyOf(topic, partition);
      const kept = Math.max(offset, this.#committed.get(key) ?? 0);
      this.#committed.set(key, kept);
      return [topic, partition, kept];
    });
  }

  reset([topic, partition, offset]: Position): void {
    this.#committed.set(this.#keyOf(topic, partition), offset);
  }

  /** A topic was deleted: all members start again. */
  forget(topic: string): GroupMember[] {
    for (const [name, share] of this.#shares) {
      if (share.topic === topic) this.#shares.delete(name);
    }
    return [...this.#members];
  }

  #reconcile(): void {
    this.#epoch++;
    const given = new Map<GroupMember, Assigned[]>();
    for (const topic of this.options.topics) this.#balance(topic, given);
    for (const [member, partitions] of given) member.assign(this.#epoch, partitions);
  }

  /** Revokes from members with too many, and assigns what is free to those with the fewest. */
  #balance(topic: string, given: Map<GroupMember, Assigned[]>): void {
    const { partitions } = this.#world.store.topic(topic);
    const owned = new Map<GroupMember, Share[]>([...this.#members].map((member) => [member, []]));
    for (const share of this.#shares.values()) {
      if (share.topic === topic && !share.revoking) owned.get(share.owner)?.push(share);
    }
    if (owned.size === 0) return;
    const least = Math.floor(partitions.length / owned.size);
    let more = partitions.length % owned.size;
    for (const shares of [...owned.values()].sort((a, b) => b.length - a.length)) {
      const allowed = shares.length > least && more > 0 ? least + 1 : least;
      if (allowed > least) more--;
      for (const share of shares.splice(allowed)) this.#revoke(share);
    }
    for (const partition of partitions.keys()) {
      if (this.#shares.has(`${topic}/${partition}`)) continue;
      const [[member, shares] = []] = [...owned].sort(([, a], [, b]) => a.length - b.length);
      if (!member || !shares) return;
      const share = this.#give(topic, partition, member);
      shares.push(share);
      const { position: offset, incarnation } = share;
      const list = given.get(member) ?? [];
      given.set(member, [...list, { topic, partition, offset, incarnation }]);
    }
  }

  #revoke(share: Share): void {
    share.revoking = true;
    share.owner.revoke(this.#epoch, share, false);
    const name = `${share.topic}/${share.partition}`;
    this.#world.timeline.after(this.options.revokeMs, () => {
      if (this.#shares.get(name) !== share) return;
      this.#shares.delete(name);
      share.owner.revoke(this.#epoch + 1, share, true);
      this.#reconcile();
    });
  }

  #give(topic: string, partition: number, owner: GroupMember): Share {
    const { incarnation } = this.#world.store.topic(topic);
    const { start, values } = this.#world.store.partition(topic, partition);
    const key = this.#keyOf(topic, partition);
    const first = this.options.from === "earliest" ? start : values.length;
    const position = this.#committed.get(key) ?? first;
    this.#committed.set(key, position);
    const share = { topic, partition, incarnation, owner, position, revoking: false };
    this.#shares.set(`${topic}/${partition}`, share);
    return share;
  }

  #keyOf(topic: string, partition: number): string {
    return `${topic}/${partition}/${this.#world.store.topic(topic).incarnation}`;
  }
}
