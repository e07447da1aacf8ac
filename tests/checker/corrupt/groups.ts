/** What a buggy gateway does to groups and their members. */

import type { Chance } from "../../support/chance.ts";
import type { Event, Told } from "../history.ts";
import type { Corruption } from "./corruptions.ts";
import { all, type At, endOf, freeOp, inserted, pick, pollsOf, replaced, told } from "./spoil.ts";

/** Longer than anything is on its way in these histories. */
const LATE_MS = 200;

/** Whether all commits and assignments of a group are below this offset of the partition. */
function isBelow(events: readonly Event[], [topic, partition, end]: [string, number, number]) {
  return events.every((event) => {
    const offsets = event.type === "invoke" && (event.f === "commit" || event.f === "send")
      ? event.commit?.offsets ?? []
      : event.type === "invoke" && event.f === "reset"
      ? event.offsets
      : event.type === "told" && event.f === "assign"
      ? event.partitions
      : [];
    return offsets.every(([one, other, offset]) =>
      one !== topic || other !== partition || offset < end
    );
  });
}

/** Whether a member gives something up, or leaves. */
function hasLostSome(events: readonly Event[], member: string): boolean {
  return events.some((event) =>
    event.type === "told" && (event.f === "revoke" || event.f === "left") && event.member === member
  );
}

/** Groups whose offsets an operator sets, about which less can be checked. */
function groupsReset(events: readonly Event[]): Set<string> {
  return new Set(
    events.flatMap((event) => event.type === "invoke" && event.f === "reset" ? [event.group] : []),
  );
}

type Assign = Told<"assign"> & Event;

/** Whether it names this partition. */
function names({ event }: At<Assign>, topic: string | undefined, partition: number | undefined) {
  return event.partitions.some(([one, other]) => one === topic && other === partition);
}

function lostBy(events: readonly Event[], chance: Chance): At<Told<"revoke"> & Event> | undefined {
  return pick(all(events, told("revoke")).filter(({ event }) => event.lost), chance);
}

/** Whether its topic was never deleted. */
function isKept({ event }: At<Told<"log"> & Event>): boolean {
  return event.topic !== "gone";
}

function opOf(event: Event): number | undefined {
  return "op" in event ? event.op : undefined;
}

/** Whether it is a request of a member, or tells it something. */
function isOf(event: Event, member: string): boolean {
  if (event.type === "told") {
    return event.f === "poll" && event.reader === member ||
      event.f === "assign" && event.member === member;
  }
  return event.type === "invoke" && (event.f === "send" || event.f === "commit") &&
    event.commit?.member === member;
}

export const GROUP_CORRUPTIONS: readonly Corruption[] = [
  {
    name: "the last that a group got never came",
    kinds: ["unseen"],
    apply(events, chance) {
      const groups = groupsReset(events);
      const members = new Set(
        all(events, told("assign"))
          .filter(({ event }) => !groups.has(event.group)).map(({ event }) => event.member),
      );
      const last = pollsOf(events, 1).filter(({ event }) => {
        const end = endOf(events, event.topic, event.partition);
        return event.topic !== "gone" && members.has(event.reader) &&
          event.records.at(-1)?.[0] === end - 1;
      });
      const poll = pick(last, chance);
      if (!poll) return undefined;
      const { topic, partition, records } = poll.event;
      const group = poll.event.reader.split(".")[0];
      const value = records.at(-1)?.[1];
      return events.filter((event) =>
        !(event.type === "told" && event.f === "poll" && event.topic === topic &&
          event.partition === partition && event.reader.split(".")[0] === group &&
          event.records.at(-1)?.[1] === value)
      );
    },
  },
  {
    name: "records go to a member that does not own the partition",
    kinds: ["delivery-after-revoke", "double-owner"],
    apply(events, chance) {
      const members = [...new Set(all(events, told("assign")).map(({ event }) => event.member))];
      const polls = pollsOf(events, 1).filter(({ event }) => members.includes(event.reader));
      const poll = pick(polls, chance);
      if (!poll) return undefined;
      const group = poll.event.reader.split(".")[0];
      const others = members.filter((name) =>
        name !== poll.event.reader && name.split(".")[0] === group
      );
      const reader = pick(others, chance);
      if (reader === undefined) return undefined;
      return replaced(events, poll.index, { ...poll.event, reader });
    },
  },
  {
    name: "records still come to a member that lost the partition",
    kinds: ["delivery-after-revoke"],
    apply(events, chance) {
      const lost = lostBy(events, chance);
      const [topic, partition] = lost?.event.partitions[0] ?? [];
      if (!lost || topic === undefined || partition === undefined) return undefined;
      const { at, process, member: reader } = lost.event;
      const known = all(events, told("poll")).find(({ event, index }) =>
        index < lost.index && event.topic === topic && event.partition === partition
      );
      const records = known?.event.records;
      if (!records) return undefined;
      const poll = { type: "told", f: "poll", reader, topic, partition, records } as const;
      return inserted(events, lost.index, { ...poll, at, process });
    },
  },
  {
    name: "a commit is taken from a member that lost the partition",
    kinds: ["zombie-commit"],
    apply(events, chance) {
      const lost = lostBy(events, chance);
      const [topic, partition] = lost?.event.partitions[0] ?? [];
      if (!lost || topic === undefined || partition === undefined || topic === "gone") {
        return undefined;
      }
      const { at, process, member, group } = lost.event;
      const end = endOf(events, topic, partition);
      if (!isBelow(events.slice(0, lost.index), [topic, partition, end])) return undefined;
      // It may be assigned the partition again at once, and then has the right to.
      const again = all(events, told("assign")).some(({ event, index }) =>
        index > lost.index && event.member === member && event.at <= at + LATE_MS &&
        event.partitions.some(([one, other]) => one === topic && other === partition)
      );
      if (again) return undefined;
      const op = freeOp(events);
      const commit = { group, member, offsets: [[topic, partition, end]] } as const;
      return inserted(
        events,
        lost.index,
        { type: "invoke", f: "commit", op, commit, at, process },
        { type: "ok", op, at, process },
      );
    },
  },
  {
    name: "the answer to a commit names less",
    kinds: ["commit-regression"],
    apply(events, chance) {
      const answers = events.flatMap((event, index) => {
        const [first] = (event.type === "ok" ? event.committed : undefined) ?? [];
        return event.type === "ok" && first && first[2] > 0 ? [{ event, index, first }] : [];
      });
      const exact = answers.filter(({ event, first }) =>
        events.some((other) =>
          other.type === "invoke" && other.op === event.op &&
          (other.f === "commit" || other.f === "send") && other.commit?.offsets[0]?.[2] === first[2]
        )
      );
      const answer = pick(exact, chance);
      if (!answer) return undefined;
      const { event, index, first: [topic, partition, offset] } = answer;
      return replaced(events, index, { ...event, committed: [[topic, partition, offset - 1]] });
    },
  },
  {
    name: "a commit goes beyond the log's end",
    kinds: ["commit-beyond-head"],
    apply(events, chance) {
      const answers = events.flatMap((event, index) => {
        const [first] = (event.type === "ok" ? event.committed : undefined) ?? [];
        return event.type === "ok" && first && first[0] !== "gone" ? [{ event, index, first }] : [];
      });
      const answer = pick(answers, chance);
      if (!answer) return undefined;
      const { event, index, first: [topic, partition] } = answer;
      const beyond = endOf(events, topic, partition) + 1;
      return replaced(events, index, { ...event, committed: [[topic, partition, beyond]] });
    },
  },
  {
    name: "an assignment begins at nothing",
    kinds: ["commit-regression"],
    apply(events, chance) {
      const resets = groupsReset(events);
      const assigns = all(events, told("assign"));
      const late = assigns.filter(({ event, index }) => {
        const [topic, partition, offset = 0] = event.partitions[0] ?? [];
        if (offset === 0 || resets.has(event.group) || topic === "gone") return false;
        const before = assigns.filter((one) =>
          one.index < index && one.event.group === event.group && names(one, topic, partition)
        );
        // So long ago that it cannot be news that comes late.
        return before.every((one) => one.event.at + LATE_MS < event.at) &&
          before.some((one) =>
            one.event.partitions.some(([one, other, at]) =>
              one === topic && other === partition && at > 0
            )
          );
      });
      const assign = pick(late, chance);
      if (!assign) return undefined;
      const [[topic, partition, _, ...more] = [], ...rest] = assign.event.partitions;
      if (topic === undefined || partition === undefined) return undefined;
      const partitions = [[topic, partition, 0, ...more] as const, ...rest];
      return replaced(events, assign.index, { ...assign.event, partitions });
    },
  },
  {
    name: "an assignment skips what nobody had",
    kinds: ["skipped", "commit-beyond-head"],
    apply(events, chance) {
      const late = all(events, told("assign")).filter(({ event, index }) => {
        const [topic, partition] = event.partitions[0] ?? [];
        return topic !== "gone" &&
          all(events.slice(0, index), told("assign")).some((before) =>
            before.event.group === event.group &&
            before.event.partitions.some(([one, other]) => one === topic && other === partition)
          );
      });
      const assign = pick(late, chance);
      if (!assign) return undefined;
      const [[topic, partition, _, ...more] = [], ...rest] = assign.event.partitions;
      if (topic === undefined || partition === undefined) return undefined;
      const offset = endOf(events, topic, partition) + 1;
      const partitions = [[topic, partition, offset, ...more] as const, ...rest];
      return replaced(events, assign.index, { ...assign.event, partitions });
    },
  },
  {
    name: "a partition has nobody in the end",
    kinds: ["unowned"],
    apply(events, chance) {
      const last = all(events, told("assign")).findLast(({ event, index }) =>
        event.partitions.length > 0 && !hasLostSome(events.slice(index), event.member)
      );
      if (!last) return undefined;
      const { event } = last;
      const given = pick(event.partitions, chance);
      if (!given) return undefined;
      const { group, member, process } = event;
      const at = events.at(-1)?.at ?? 0;
      const partitions = [[given[0], given[1]]] as const;
      const revoke = { type: "told", f: "revoke", group, member, lost: true, partitions } as const;
      return [...events, { ...revoke, at, process }];
    },
  },
  {
    name: "a transaction commits beyond what it publishes",
    kinds: ["precommitted-read"],
    apply(events, chance) {
      const log = pick(all(events, told("log")).filter(isKept), chance);
      if (!log) return undefined;
      const { topic, partition, next, records, at, process } = log.event;
      const offsets = [[topic, partition, next + 1]] as const;
      const op = freeOp(events);
      const commit = { group: "x", member: "m", offsets };
      const sends = [{ topic, values: ["own"] }];
      const more = { ...log.event, records: [...records, [next, "own"] as const], next: next + 1 };
      const first = events.findIndex((event) => event.type === "told" && event.f === "log");
      return inserted(
        replaced(events, log.index, more),
        first - 1,
        { type: "invoke", f: "send", op, sends, commit, at, process },
        { type: "info", op, error: "spoilt", at, process },
      );
    },
  },
  {
    name: "a record is consumed once more",
    kinds: ["consume-counts"],
    apply(events, chance) {
      const resets = groupsReset(events);
      const passed = events.flatMap((event, index) => {
        const commit = event.type === "invoke" && event.f === "send" ? event.commit : undefined;
        const [first] = commit?.offsets ?? [];
        if (!commit || !first || resets.has(commit.group)) return [];
        const answer = events.findIndex((one) => one.type === "ok" && one.op === opOf(event));
        const before = events.slice(0, index).findLast((one) => isOf(one, commit.member));
        // The last that it was sent, which it passes on at once.
        const isRead = before?.type === "told" && before.f === "poll" &&
          before.topic === first[0] && before.partition === first[1] &&
          before.records.at(-1)?.[0] === first[2] - 1;
        return answer > index && isRead ? [{ answer, commit, first, poll: before }] : [];
      });
      const one = pick(passed, chance);
      if (!one) return undefined;
      const { answer, commit: { group, offsets }, first: [topic, partition], poll } = one;
      const at = events[answer]?.at ?? 0;
      const [member, op] = ["another", freeOp(events)];
      const base = { at, process: member };
      const partitions = [[topic, partition, poll.records[0]?.[0] ?? 0]] as const;
      const sends = [{ topic: "out", values: ["again"] }];
      return inserted(
        events,
        answer,
        { type: "told", f: "assign", group, member, partitions, ...base },
        { ...poll, reader: member, ...base },
        { type: "invoke", f: "send", op, sends, commit: { group, member, offsets }, ...base },
        { type: "ok", op, ...base },
      );
    },
  },
];
