/** What a buggy gateway does to logs, and tells publishers about them. */

import type { Chance } from "../../support/chance.ts";
import type { Corruption } from "./corruptions.ts";
import type { Event, Read } from "../history.ts";
import {
  all,
  type At,
  freeOp,
  inserted,
  isAcknowledged,
  isTail,
  type Log,
  pick,
  replaced,
  sentBy,
  stored,
  told,
  tries,
} from "./spoil.ts";

function logsOf(events: readonly Event[], least: number): At<Log>[] {
  return all(events, told("log")).filter(({ event }) => event.records.length >= least);
}

function withRecords(
  events: readonly Event[],
  { event, index }: At<Log>,
  records: readonly Read[],
  next = event.next,
): Event[] {
  return replaced(events, index, { ...event, records, next });
}

function pickLog(
  events: readonly Event[],
  chance: Chance,
  least = 1,
): { log: At<Log>; place: number } | undefined {
  const log = pick(logsOf(events, least), chance);
  if (!log) return undefined;
  return { log, place: Math.floor(chance.random() * (log.event.records.length - least + 1)) };
}

/** Reads of the ends of topics that are not deleted. */
function tailsOf(events: readonly Event[]) {
  return all(events, isTail).flatMap(({ event, index }) => {
    const begun = events.findIndex((asked) => asked.type === "invoke" && asked.op === event.op);
    const asked = events[begun];
    const isKnown = asked?.type === "invoke" && asked.f === "tail" && asked.topic !== "gone";
    return isKnown ? [{ event, index, topic: asked.topic, begun }] : [];
  });
}

export const LOG_CORRUPTIONS: readonly Corruption[] = [
  {
    name: "a record is dropped from the log",
    kinds: ["offset-hole"],
    apply(events, chance) {
      const found = pickLog(events, chance);
      if (!found) return undefined;
      const { log, place } = found;
      return withRecords(events, log, log.event.records.filter((_, i) => i !== place));
    },
  },
  {
    name: "the log's last record is lost",
    kinds: ["lost-write"],
    apply(events, chance) {
      const acknowledged = new Set(
        all(events, isAcknowledged).flatMap(({ event }) => sentBy(events, event.op)),
      );
      // If it is not clear which incarnation was acknowledged, nothing can be concluded.
      const logs = logsOf(events, 1).filter(({ event }) =>
        event.topic !== "gone" && acknowledged.has(event.records.at(-1)?.[1] ?? "")
      );
      const log = pick(logs, chance);
      if (!log) return undefined;
      const { records, next } = log.event;
      return withRecords(events, log, records.slice(0, -1), next - 1);
    },
  },
  {
    name: "two records of the log change places",
    kinds: ["inconsistent-offsets", "ack-payload-mismatch", "nonmonotonic-send", "realtime-order"],
    apply(events, chance) {
      const found = pickLog(events, chance, 2);
      if (!found) return undefined;
      const { log, place } = found;
      const records = log.event.records.map(([offset, value], i): Read => {
        if (i !== place && i !== place + 1) return [offset, value];
        const other = log.event.records[i === place ? place + 1 : place];
        return [offset, other?.[1] ?? value];
      });
      return withRecords(events, log, records);
    },
  },
  {
    name: "a record is stored once more",
    kinds: ["duplicate"],
    apply(events, chance) {
      const counts = tries(events);
      const found = pickLog(events, chance);
      if (!found) return undefined;
      const { log, place } = found;
      const value = log.event.records[place]?.[1];
      // What was sent twice without a producer may be stored twice.
      if (value === undefined || counts.get(value) !== 1) return undefined;
      const { records, next } = log.event;
      return withRecords(events, log, [...records, [next, value]], next + 1);
    },
  },
  {
    name: "a record comes from nowhere",
    kinds: ["phantom"],
    apply(events, chance) {
      const log = pick(logsOf(events, 0), chance);
      if (!log) return undefined;
      const { records, next } = log.event;
      return withRecords(events, log, [...records, [next, "nobody's"]], next + 1);
    },
  },
  {
    name: "the records of one publish change places",
    kinds: ["int-nonmonotonic-send", "int-send-skip"],
    apply(events, chance) {
      const counts = tries(events);
      const places = stored(events);
      const runs = events.flatMap((event) => {
        if (event.type !== "invoke" || event.f !== "send") return [];
        return event.sends.flatMap(({ values }) =>
          values.flatMap((value, i) => {
            const [one, other] = [places.get(value), places.get(values[i + 1] ?? "")];
            const isRun = one && one.log.index === other?.log.index && counts.get(value) === 1;
            return isRun ? [one] : [];
          })
        );
      });
      const run = pick(runs, chance);
      if (!run) return undefined;
      const { log, offset } = run;
      const place = offset - log.event.start;
      const records = [...log.event.records];
      const [one, other] = [records[place], records[place + 1]];
      if (!one || !other) return undefined;
      records.splice(place, 2, [one[0], other[1]], [other[0], one[1]]);
      return withRecords(events, log, records);
    },
  },
  {
    name: "an acknowledgement names another place",
    kinds: ["ack-payload-mismatch", "lost-write", "inconsistent-offsets"],
    apply(events, chance) {
      const places = stored(events);
      const answers = all(events, isAcknowledged).filter(({ event }) => {
        const at = places.get(sentBy(events, event.op)[0] ?? "");
        return at !== undefined && at.log.event.topic !== "gone";
      });
      const answer = pick(answers, chance);
      if (!answer) return undefined;
      const { event, index } = answer;
      const [[first, ...more] = [], ...rest] = event.places;
      if (!first) return undefined;
      const moved = [first[0], first[1] + 1 + Math.floor(chance.random() * 3)] as const;
      return replaced(events, index, { ...event, places: [[moved, ...more], ...rest] });
    },
  },
  {
    name: "an acknowledged publish is refused",
    kinds: ["G1a"],
    apply(events, chance) {
      const places = stored(events);
      const counts = tries(events);
      const answers = all(events, isAcknowledged).filter(({ event }) => {
        const [value = ""] = sentBy(events, event.op);
        return places.has(value) && counts.get(value) === 1;
      });
      const answer = pick(answers, chance);
      if (!answer) return undefined;
      const { op, at, process } = answer.event;
      return replaced(events, answer.index, { type: "fail", op, at, process, error: "spoilt" });
    },
  },
  {
    name: "a transaction is torn",
    kinds: ["torn-transaction"],
    apply(events, chance) {
      const logs = logsOf(events, 0).filter(({ event }) => event.topic === "out");
      const log = pick(logs, chance);
      const first = events[0];
      if (!log || !first) return undefined;
      const op = freeOp(events);
      const { at, process } = first;
      const sends = [{ topic: "out", values: ["half"] }, { topic: "out", values: ["other half"] }];
      const { records, next } = log.event;
      const torn = withRecords(events, log, [...records, [next, "half"]], next + 1);
      return inserted(
        torn,
        0,
        { type: "invoke", f: "send", op, sends, at, process },
        { type: "info", op, error: "spoilt", at, process },
      );
    },
  },
  {
    name: "the end of a log is where it was before",
    kinds: ["linearizable-register"],
    apply(events, chance) {
      const reads = tailsOf(events).flatMap(({ event, index, topic, begun }) => {
        const known = all(events.slice(0, begun), told("poll")).filter(({ event }) =>
          event.topic === topic
        );
        return known.length > 0 ? [{ event, index, known }] : [];
      });
      const read = pick(reads, chance);
      const poll = read && pick(read.known, chance);
      const first = poll?.event.records[0];
      if (!read || !poll || !first) return undefined;
      const tails = read.event.tails.map(([partition, next]) =>
        [partition, partition === poll.event.partition ? first[0] : next] as const
      );
      return replaced(events, read.index, { ...read.event, tails });
    },
  },
  {
    name: "the end of a log is beyond it",
    kinds: ["linearizable-register"],
    apply(events, chance) {
      const read = pick(tailsOf(events), chance);
      if (!read) return undefined;
      const tails = read.event.tails.map(([partition, next]) => [partition, next + 1_000] as const);
      return replaced(events, read.index, { ...read.event, tails });
    },
  },
  {
    name: "the log is read once more and is shorter",
    kinds: ["dead-read"],
    apply(events, chance) {
      const log = pick(logsOf(events, 1), chance);
      if (!log) return undefined;
      const { records, next } = log.event;
      const shorter = { ...log.event, records: records.slice(0, -1), next: next - 1 };
      return inserted(events, log.index, shorter);
    },
  },
  {
    name: "a transaction is before what was known to be stored, by way of another log",
    kinds: ["G0-process", "G0-realtime", "G1c-process", "G1c-realtime"],
    apply(events, chance) {
      const logs = logsOf(events, 0).filter(({ event }) => event.topic !== "gone");
      const one = pick(logs, chance);
      const other = pick(logs.filter((log) => log !== one), chance);
      if (!one || !other) return undefined;
      const first = Math.min(...logs.map(({ index }) => index));
      const ends = [one, other].map(({ event }) => event.next);
      const [a = 0, b = 0] = ends;
      const added = withRecords(
        withRecords(events, one, [...one.event.records, [a, "u"], [a + 1, "x"]], a + 2),
        other,
        [...other.event.records, [b, "y"], [b + 1, "v"]],
        b + 2,
      );
      const op = freeOp(events);
      const { at } = one.event;
      const sender = chance.pick(["p", "q"]);
      const knower = chance.pick([sender, "r"]);
      const { topic, partition } = one.event;
      const sends = ["u", "x", "y"].map((value, i): Event => {
        const parts = [
          ...i === 2 ? [] : [{ topic, values: [value] }],
          ...i === 2 ? [{ topic: other.event.topic, values: [value] }] : [],
          ...i === 0 ? [{ topic: other.event.topic, values: ["v"] }] : [],
        ];
        const process = i === 2 ? sender : "p";
        return { type: "invoke", f: "send", op: op + i, sends: parts, at, process };
      });
      const knows: Event = chance.chance(0.5)
        ? { type: "ok", op: op + 1, places: [[[partition, a + 1]]], at, process: "p" }
        : {
          ...{ type: "told", f: "poll", reader: "r", topic, partition, at, process: knower },
          records: [[a + 1, "x"]],
        };
      const [before, acknowledged, behind] = sends;
      if (!before || !acknowledged || !behind) return undefined;
      return inserted(added, first - 1, before, acknowledged, knows, behind);
    },
  },
];
