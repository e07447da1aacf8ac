/**
 * Checks of ownership: one owner at a time, handed over in order, and every partition owned at the
 * end.
 */

import type { Report } from "./finding.ts";
import type { Commit, Event, Told } from "./history.ts";
import { type Hold, type Holds, type Member, rivalOf, type Share } from "./holds.ts";
import type { Incarnations } from "./incarnations.ts";
import type { Logs } from "./partition_log.ts";

export interface OwnershipToCheck {
  readonly events: readonly Event[];
  readonly incarnations: Incarnations;
  readonly logs: Logs;
  readonly holds: Holds;
  readonly overlapMs: number;
  readonly healed: boolean;
  readonly report: Report;
}

/** Two members that both believe that they own a partition; the older one must be told soon. */
interface Overlap {
  readonly older: Hold;
  readonly newer: Hold;
  readonly isCertain: boolean;
}

export class OwnershipChecks {
  readonly #given: OwnershipToCheck;
  readonly #overlaps: Overlap[] = [];
  /** Holds that were, or may have been, sent records of another's partition. */
  readonly #suspected = new Set<Hold>();
  /** Checks that need later events. */
  readonly #later: (() => void)[] = [];
  /** For each partition and epoch, who was sent records, or committed, in it. */
  readonly #served = new Map<string, Hold>();

  constructor(given: OwnershipToCheck) {
    this.#given = given;
  }

  /** A member was told that it owns this. */
  assigned(hold: Hold): void {
    const others = [...hold.share.open].filter(({ member, revoked }) =>
      member !== hold.member && revoked === Infinity
    );
    const other = others.at(-1);
    if (!other) return;
    const isCertain = hold.epoch !== undefined && other.epoch !== undefined;
    const isNewer = !isCertain || (hold.epoch ?? 0) >= (other.epoch ?? 0);
    const [older, newer] = isNewer ? [other, hold] : [hold, other];
    this.#overlaps.push({ older, newer, isCertain });
  }

  /** Records were sent to a member. */
  delivered(event: Told<"poll">, index: number): void {
    const hold = this.#given.holds.find(event.reader, event.topic, event.partition);
    if (!hold || hold.end !== undefined || event.records.length === 0) return;
    this.#checkEpoch(hold, event.at);
    this.#checkTime(hold, index, event.at);
  }

  /** A commit was requested that will be accepted. */
  committing({ member, offsets }: Commit, at: number): void {
    for (const [topic, partition] of offsets) {
      const hold = this.#given.holds.find(member, topic, partition);
      if (hold && hold.end === undefined) this.#checkEpoch(hold, at);
    }
  }

  end(): void {
    for (const judge of this.#later) judge();
    for (const overlap of this.#overlaps) this.#judgeOverlap(overlap);
    if (this.#given.healed) this.#checkEnd();
  }

  /** In each epoch of the group a partition has one owner. */
  #checkEpoch(hold: Hold, at: number): void {
    const { share, epoch, member } = hold;
    if (epoch === undefined) return;
    const key = `${share.group}\n${share.name}\n${share.incarnation}\n${epoch}`;
    const first = this.#served.get(key);
    if (!first) this.#served.set(key, hold);
    if (!first || first.member === member || this.#suspected.has(hold)) return;
    this.#suspected.add(hold);
    const text = `${first.member} and ${member} both had ${share.name} in epoch ${epoch} of ` +
      share.group;
    this.#given.report("double-owner", at, text);
  }

  /** A member is not sent records any more that another was assigned some time ago. */
  #checkTime(hold: Hold, index: number, at: number): void {
    const rival = rivalOf(hold.share, hold.member, hold);
    if (!rival || this.#suspected.has(hold)) return;
    const { hold: newer, isCertain } = rival;
    if (at <= newer.fromAt + this.#given.overlapMs) return;
    this.#suspected.add(hold);
    const report = () => {
      const text = `${hold.member} was still sent records of ${hold.share.name} after ` +
        `${newer.member} had it for ${at - newer.fromAt} ms`;
      this.#given.report("double-owner", at, text);
    };
    if (isCertain) return report();
    // Without epochs the other may be the older one, told late: then it soon hears of its loss.
    this.#later.push(() => {
      const hears = this.#firstHeard(newer, index);
      if (hears !== undefined && hears < claimedUntil(newer)) report();
    });
  }

  /** Reports an overlap if the older one heard from its gateway without hearing of its loss. */
  #judgeOverlap({ older, newer, isCertain }: Overlap): void {
    const { events, overlapMs, report } = this.#given;
    const deadline = Math.max(older.fromAt, newer.fromAt) + overlapMs;
    const after = this.#indexAfter(deadline);
    if (after === undefined) return;
    const hears = this.#firstHeard(older, after);
    if (hears === undefined || hears >= claimedUntil(older)) return;
    if (!isCertain) {
      const alive = this.#firstHeard(newer, after);
      if (alive === undefined || alive >= claimedUntil(newer)) return;
    }
    const text =
      `${newer.member} was given ${newer.share.name}, and ${older.member}, which had it, ` +
      `was told nothing for more than ${overlapMs} ms`;
    report("unearned-handover", events[hears]?.at ?? deadline, text);
  }

  /** The first event after that time. */
  #indexAfter(time: number): number | undefined {
    const { events } = this.#given;
    return lowest(events.length, (index) => (events[index]?.at ?? 0) > time);
  }

  /** When its member first hears from its gateway, at or after an event. */
  #firstHeard({ member }: Hold, index: number): number | undefined {
    const heard = this.#given.holds.member(member)?.heard ?? [];
    const first = lowest(heard.length, (i) => (heard[i] ?? 0) >= index);
    return first === undefined ? undefined : heard[first];
  }

  #checkEnd(): void {
    const { holds } = this.#given;
    const groups = new Map<string, Member[]>();
    for (const member of holds.members) {
      if (!member.isLive) continue;
      groups.set(member.group, [...(groups.get(member.group) ?? []), member]);
    }
    for (const [group, members] of groups) {
      for (const topic of holds.topics.get(group) ?? []) {
        const readers = members.filter(({ topics }) => topics?.includes(topic) ?? true);
        if (readers.length > 0) this.#checkTopic(group, topic, readers);
      }
    }
  }

  /** Each partition has one owner, and the members' numbers of partitions differ by one at most. */
  #checkTopic(group: string, topic: string, members: readonly Member[]): void {
    const { holds, incarnations, report, events } = this.#given;
    const at = events.at(-1)?.at ?? 0;
    const incarnation = incarnations.wasDeleted(topic)
      ? incarnations.last(topic)
      : incarnations.only(topic);
    const shares = [...holds.shares].filter((share) =>
      share.group === group && share.topic === topic && share.incarnation === incarnation
    );
    // It was deleted, and no member of the group has joined for the new one.
    if (incarnation === undefined || shares.every(({ holds }) => holds.length === 0)) return;
    const counts = new Map(members.map(({ name }) => [name, 0]));
    const partitions = this.#partitions(topic, incarnation);
    for (let partition = 0; partition < partitions; partition++) {
      const share = shares.find((one) => one.partition === partition);
      const owners = share ? ownersOf(share, members) : [];
      for (const owner of owners) counts.set(owner, (counts.get(owner) ?? 0) + 1);
      if (owners.length === 1) continue;
      const who = owners.length === 0 ? "nobody" : owners.join(" and ");
      report("unowned", at, `${topic}/${partition} is owned by ${who} of ${group} in the end`);
    }
    // A member that joined before a deletion does not read the topic that was created again, which
    // the history does not show: it may own none of it.
    const compared = [...counts.values()].filter((own) =>
      own > 0 || !incarnations.wasDeleted(topic)
    );
    if (Math.max(...compared) - Math.min(...compared) <= 1) return;
    const text = `The members of ${group} own unequal numbers of partitions of ${topic} in the ` +
      `end: ${[...counts].map(([name, count]) => `${name} ${count}`).join(", ")}`;
    report("uneven", at, text);
  }

  #partitions(topic: string, incarnation: string): number {
    const { events, logs, holds } = this.#given;
    let count = 0;
    for (const event of events) {
      if (event.type !== "told" || event.f !== "topic" || event.topic !== topic) continue;
      if (event.incarnation === incarnation) count = event.partitions;
    }
    if (count > 0) return count;
    for (const log of logs.all) {
      if (log.topic === topic && log.incarnation === incarnation) {
        count = Math.max(count, log.partition + 1);
      }
    }
    for (const share of holds.shares) {
      if (share.topic === topic && share.incarnation === incarnation) {
        count = Math.max(count, share.partition + 1);
      }
    }
    return count;
  }
}

/** How long its member may believe that it owns it. */
function claimedUntil({ until, revoked }: Hold): number {
  return Math.min(until, revoked);
}

function ownersOf({ open }: Share, members: readonly Member[]): string[] {
  const live = new Set(members.map(({ name }) => name));
  return [...open]
    .filter(({ member, revoked }) => live.has(member) && revoked === Infinity)
    .map(({ member }) => member);
}

/** The lowest number below `count` for which it holds; it must hold for all higher ones, too. */
function lowest(count: number, holds: (index: number) => boolean): number | undefined {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low < count ? low : undefined;
}
