/**
 * For how long nobody had a partition of a group that has members: a figure of a history, of which
 * no value is wrong by itself. Pure.
 *
 * A partition has an owner from its assignment until its owner is told to give it up, gives it up,
 * or loses its connection. Who is connected again has it again when it is sent records of it, or is
 * assigned it. A time that is not over at the end of the history does not count: then the group is
 * being closed, or the checker finds that the partition is `unowned`.
 */

import type { Event } from "./history.ts";

/** The longest such time. */
export interface Ownerless {
  readonly ms: number;
  /** When it began. */
  readonly at: number;
  readonly group: string;
  /** `topic/partition` */
  readonly name: string;
}

interface Share {
  readonly group: string;
  readonly topic: string;
  readonly name: string;
  readonly owners: Set<Member>;
  /** When it began to have no owner, if it has none. */
  freeSince: number | undefined;
}

interface Member {
  readonly group: string;
  topics: readonly string[] | undefined;
  connected: boolean;
  /** What it was assigned and not told to give up, by `topic/partition`. */
  readonly holds: Map<string, Share>;
}

/** Undefined if every partition had an owner all the time. */
export function longestOwnerless(events: readonly Event[]): Ownerless | undefined {
  const groups = new Groups();
  for (const event of events) if (event.type === "told") groups.told(event);
  return groups.longest;
}

class Groups {
  /** Those that have joined and not left. */
  readonly #members = new Map<string, Member>();
  readonly #shares = new Map<string, Share>();
  longest: Ownerless | undefined;

  told(event: Event & { readonly type: "told" }): void {
    const { at } = event;
    switch (event.f) {
      case "assign": {
        const { group, member: name, partitions } = event;
        const member = this.#joined(name, group, event.topics, at);
        for (const [topic, partition, _, incarnation] of partitions) {
          const share = this.#share(group, topic, partition, incarnation);
          member.holds.set(share.name, share);
          this.#own(share, member, at);
        }
        return;
      }
      case "poll": {
        const member = this.#members.get(event.reader);
        const share = member?.holds.get(`${event.topic}/${event.partition}`);
        if (member?.connected && share) this.#own(share, member, at);
        return;
      }
      case "revoke":
      case "release": {
        const member = this.#members.get(event.member);
        for (const [topic, partition] of event.partitions) {
          const share = member?.holds.get(`${topic}/${partition}`);
          if (!member || !share) continue;
          member.holds.delete(share.name);
          this.#disown(share, member, at);
        }
        return;
      }
      case "connection": {
        const member = this.#members.get(event.member);
        if (!member) return;
        member.connected = event.up;
        if (!event.up) {
          for (const share of member.holds.values()) {
            this.#disown(share, member, at);
          }
        }
        return;
      }
      case "left":
        return this.#left(event.member, at);
    }
  }

  #joined(name: string, group: string, topics: Member["topics"], at: number): Member {
    const known = this.#members.get(name);
    const member = known ?? { group, topics, connected: true, holds: new Map() };
    this.#members.set(name, member);
    member.connected = true;
    member.topics = topics ?? member.topics;
    if (known) return member;
    for (const share of this.#shares.values()) {
      if (wants(member, share) && share.owners.size === 0) share.freeSince ??= at;
    }
    return member;
  }

  #left(name: string, at: number): void {
    const member = this.#members.get(name);
    if (!member) return;
    this.#members.delete(name);
    for (const share of member.holds.values()) this.#disown(share, member, at);
    for (const share of this.#shares.values()) {
      if (wants(member, share) && !this.#isWanted(share)) share.freeSince = undefined;
    }
  }

  #own(share: Share, member: Member, at: number): void {
    const { freeSince, group, name, owners } = share;
    owners.add(member);
    if (freeSince === undefined) return;
    share.freeSince = undefined;
    const ms = at - freeSince;
    if (ms > (this.longest?.ms ?? 0)) this.longest = { ms, at: freeSince, group, name };
  }

  #disown(share: Share, member: Member, at: number): void {
    if (!share.owners.delete(member) || share.owners.size > 0) return;
    if (this.#isWanted(share)) share.freeSince = at;
  }

  #isWanted(share: Share): boolean {
    for (const member of this.#members.values()) if (wants(member, share)) return true;
    return false;
  }

  #share(group: string, topic: string, partition: number, incarnation = ""): Share {
    const name = `${topic}/${partition}`;
    const key = `${group}\n${name}\n${incarnation}`;
    const known = this.#shares.get(key);
    if (known) return known;
    const share = { group, topic, name, owners: new Set<Member>(), freeSince: undefined };
    this.#shares.set(key, share);
    return share;
  }
}

function wants({ group, topics }: Member, share: Share): boolean {
  return group === share.group && (topics?.includes(share.topic) ?? true);
}
