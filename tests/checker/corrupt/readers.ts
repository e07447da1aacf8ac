/** What a buggy gateway does to readers, and to requests. */

import type { Corruption } from "./corruptions.ts";
import {
  all,
  inserted,
  isAcknowledged,
  pick,
  type Poll,
  pollsOf,
  replaced,
  sentBy,
  told,
} from "./spoil.ts";

/** Later than these histories allow. */
const LATE_MS = 5_000;

function isSamePlace(one: Poll, other: Poll): boolean {
  return one.reader === other.reader && one.topic === other.topic &&
    one.partition === other.partition;
}

export const READER_CORRUPTIONS: readonly Corruption[] = [
  {
    name: "a record is dropped from what a reader gets",
    kinds: ["int-poll-skip", "poll-skip"],
    apply(events, chance) {
      const poll = pick(pollsOf(events, 2), chance);
      if (!poll) return undefined;
      const { event, index } = poll;
      const place = Math.floor(chance.random() * (event.records.length - 1));
      const records = event.records.filter((_, i) => i !== place);
      return replaced(events, index, { ...event, records });
    },
  },
  {
    name: "a reader gets records in another order",
    kinds: ["int-nonmonotonic-poll"],
    apply(events, chance) {
      const poll = pick(pollsOf(events, 2), chance);
      if (!poll) return undefined;
      const { event, index } = poll;
      return replaced(events, index, { ...event, records: event.records.toReversed() });
    },
  },
  {
    name: "a reader gets one record in place of another",
    kinds: ["inconsistent-offsets"],
    apply(events, chance) {
      const known = new Set(
        all(events, told("log")).flatMap(({ event }) => event.records.map(([, value]) => value)),
      );
      const polls = pollsOf(events, 2).filter(({ event }) =>
        event.records.every(([, value]) => known.has(value))
      );
      const poll = pick(polls, chance);
      if (!poll) return undefined;
      const { event, index } = poll;
      const values = event.records.map(([, value]) => value).toReversed();
      const records = event.records.map(([offset], i) => [offset, values[i] ?? ""] as const);
      return replaced(events, index, { ...event, records });
    },
  },
  {
    name: "two things that a reader gets change places",
    kinds: ["poll-skip", "nonmonotonic-poll"],
    apply(events, chance) {
      const polls = pollsOf(events, 1);
      const pairs = polls.flatMap((one, i) => {
        const other = polls.slice(i + 1).find(({ event }) => isSamePlace(one.event, event));
        const follows = other?.event.records[0]?.[0] === (one.event.records.at(-1)?.[0] ?? 0) + 1;
        return other && follows ? [[one, other] as const] : [];
      });
      const pair = pick(pairs, chance);
      if (!pair) return undefined;
      const [{ event: one, index: first }, { event: other, index: second }] = pair;
      const spoilt = replaced(events, first, { ...other, at: one.at });
      return replaced(spoilt, second, { ...one, at: other.at });
    },
  },
  {
    name: "a reader gets something twice",
    kinds: ["nonmonotonic-poll"],
    apply(events, chance) {
      const poll = pick(pollsOf(events, 1), chance);
      return poll && inserted(events, poll.index, poll.event);
    },
  },
  {
    name: "a position in one incarnation is honoured in the next",
    kinds: ["incarnation-reuse"],
    apply(events, chance) {
      const subscribes = all(events, told("subscribe"));
      const others = subscribes.filter(({ event, index }) => {
        const before = subscribes.findLast((one) =>
          one.index < index && one.event.reader === event.reader
        );
        return before !== undefined && before.event.incarnation !== event.incarnation;
      });
      const subscribe = pick(others, chance);
      return subscribe &&
        replaced(events, subscribe.index, { ...subscribe.event, recovered: true });
    },
  },
  {
    name: "a question is never answered",
    kinds: ["unanswered"],
    apply(events, chance) {
      const answers = events.flatMap((event, index) => event.type === "ok" ? [index] : []);
      const index = pick(answers, chance);
      return index === undefined ? undefined : events.toSpliced(index, 1);
    },
  },
  {
    name: "what comes when all is well comes late",
    kinds: ["realtime-lag"],
    apply(events, chance) {
      const healed = events.findIndex((event) => event.type === "told" && event.f === "healed");
      const late = pollsOf(events, 1).filter(({ event, index }) => {
        if (index < healed || event.topic === "gone") return false;
        const [first = -1] = event.records[0] ?? [];
        return all(events.slice(0, index), isAcknowledged).some((answer) =>
          sentBy(events, answer.event.op).some((value, i) => {
            const [partition = -1, offset = -1] = answer.event.places.flat()[i] ?? [];
            return partition === event.partition && offset === first &&
              event.records[0]?.[1] === value;
          })
        );
      });
      const poll = pick(late, chance);
      if (!poll) return undefined;
      return events.map((event, index) =>
        index < poll.index ? event : { ...event, at: event.at + LATE_MS }
      );
    },
  },
];
