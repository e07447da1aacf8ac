/**
 * Who owned which partition of a group, as far as the members were told. They may be told late, so
 * two may believe at the same time that they own a partition: the checks decide what follows from
 * that.
 */

import type { Told } from "./history.ts";
import type { Incarnations } from "./incarnations.ts";

/** The time for which a member held a partition. */
export interface Hold {
  readonly share: Share;
  readonly member: string;
  /** The group's epoch when the member was told. */
  readonly epoch: number | undefined;
  /** Numbers holds in the order in which members were told, over all partitions. */
  readonly order: number;
  readonly from: number;
  readonly fromAt: number;
  /** When it was told to give it up; `Infinity` if it was not. */
  revoked: number;
  /** When it knew that the hold was over. */
  until: number;
  untilAt: number;
  end: "gave it up" | "lost it" | "left" | "has it anew" | undefined;
}

/** A partition as assigned by a group. */
export interface Share {
  readonly group: string;
  readonly topic: string;
  readonly incarnation: string | undefined;
  readonly partition: number;
  /** `topic/partition` */
  readonly name: string;
  /** In the order in which members were told. */
  readonly holds: Hold[];
  /** Those that are not over. */
  readonly open: Set<Hold>;
  /** The one with the highest epoch. */
  newest: Hold | undefined;
}

export interface Member {
  readonly name: string;
  readonly group: string;
  isLive: boolean;
  topics: readonly string[] | undefined;
  /** The latest hold of each `topic/partition`. */
  readonly holds: Map<string, Hold>;
  /** Events that show that it hears from its gateway. */
  readonly heard: number[];
}

export class Holds {
  readonly #incarnations: Incarnations;
  readonly #members = new Map<string, Member>();
  readonly #shares = new Map<string, Share>();
  /** For each group, the topics of which any member was ever assigned a partition. */
  readonly topics = new Map<string, Set<string>>();
  #order = 0;

  constructor(incarnations: Incarnations) {
    this.#incarnations = incarnations;
  }

  get members(): Iterable<Member> {
    return this.#members.values();
  }

  get shares(): Iterable<Share> {
    return this.#shares.values();
  }

  member(name: string): Member | undefined {
    return this.#members.get(name);
  }

  /** The hold that a member was last told of. */
  find(member: string, topic: string, partition: number): Hold | undefined {
    return this.#members.get(member)?.holds.get(`${topic}/${partition}`);
  }

  /** The shares of a partition in a group: one for each incarnation. */
  sharesOf(group: string, topic: string, partition: number): Share[] {
    return [...this.#shares.values()].filter((share) =>
      share.group === group && share.topic === topic && share.partition === partition
    );
  }

  share(
    group: string,
    topic: string,
    partition: number,
    incarnation: string | undefined,
  ): Share {
    const name = `${topic}/${partition}`;
    const key = `${group}\n${name}\n${incarnation}`;
    let share = this.#shares.get(key);
    if (!share) {
      const open = new Set<Hold>();
      share = { group, topic, incarnation, partition, name, holds: [], open, newest: undefined };
      this.#shares.set(key, share);
    }
    return share;
  }

  /** Returns the holds that it begins. */
  assign(event: Told<"assign">, index: number): Hold[] {
    const { group, member: name, topics } = event;
    let member = this.#members.get(name);
    if (!member) {
      member = { name, group, isLive: true, topics, holds: new Map(), heard: [] };
      this.#members.set(name, member);
    }
    member.isLive = true;
    member.topics = topics ?? member.topics;
    return event.partitions.map(([topic, partition, _, incarnation]) => {
      const known = this.#incarnations.named(topic, incarnation);
      return this.#begin(member, this.share(group, topic, partition, known), event, index);
    });
  }

  #begin(member: Member, share: Share, event: Told<"assign">, index: number): Hold {
    const { at, epoch } = event;
    const before = member.holds.get(share.name);
    if (before) end(before, "has it anew", index, at);
    const hold: Hold = {
      share,
      member: member.name,
      epoch,
      order: this.#order++,
      from: index,
      fromAt: at,
      revoked: Infinity,
      until: Infinity,
      untilAt: Infinity,
      end: undefined,
    };
    member.holds.set(share.name, hold);
    share.holds.push(hold);
    share.open.add(hold);
    if (epoch !== undefined && epoch >= (share.newest?.epoch ?? -1)) share.newest = hold;
    const topics = this.topics.get(share.group) ?? new Set();
    this.topics.set(share.group, topics.add(share.topic));
    return hold;
  }

  revoke(event: Told<"revoke">, index: number): void {
    for (const [topic, partition] of event.partitions) {
      const hold = this.find(event.member, topic, partition);
      if (!hold) continue;
      if (event.lost) end(hold, "lost it", index, event.at);
      else if (hold.revoked === Infinity) hold.revoked = index;
    }
  }

  /** A release of what was not revoked is ignored. */
  release(event: Told<"release">, index: number): void {
    for (const [topic, partition] of event.partitions) {
      const hold = this.find(event.member, topic, partition);
      if (hold && hold.revoked < index) end(hold, "gave it up", index, event.at);
    }
  }

  left(event: Told<"left">, index: number): void {
    const member = this.#members.get(event.member);
    if (!member) return;
    member.isLive = false;
    for (const hold of member.holds.values()) end(hold, "left", index, event.at);
  }
}

function end(hold: Hold, how: Hold["end"], index: number, at: number): void {
  if (hold.end !== undefined) return;
  hold.end = how;
  hold.until = index;
  hold.untilAt = at;
  hold.share.open.delete(hold);
}

/**
 * The hold of another member that came after this one, if there is one by now. If both were told
 * their epochs, these decide; otherwise the one that was told later counts as later, which need not
 * be so: then `isCertain` is false.
 */
export function rivalOf(
  share: Share,
  member: string,
  hold: Hold | undefined,
): { readonly hold: Hold; readonly isCertain: boolean } | undefined {
  const { newest } = share;
  if (hold?.epoch !== undefined && newest?.epoch !== undefined) {
    const isRival = newest.member !== member && newest.epoch > hold.epoch;
    return isRival ? { hold: newest, isCertain: true } : undefined;
  }
  const latest = share.holds.at(-1);
  if (!latest || latest.member === member) return undefined;
  if (hold && latest.order < hold.order) return undefined;
  return { hold: latest, isCertain: false };
}
