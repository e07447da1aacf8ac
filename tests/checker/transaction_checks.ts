/**
 * Checks of transactions that commit what their member has read: nobody reads what its own
 * transaction is about to publish, and no record is consumed by two of a group.
 */

import type { Report } from "./finding.ts";
import type { Event, Told } from "./history.ts";
import type { Incarnations } from "./incarnations.ts";
import {
  type Asked,
  firstValue,
  isSend,
  type Operations,
  possibleTries,
  type Sending,
} from "./operations.ts";
import { type Entry, placeOf } from "./partition_log.ts";

export interface TransactionsToCheck {
  readonly events: readonly Event[];
  readonly operations: Operations;
  readonly incarnations: Incarnations;
  readonly report: Report;
}

export function checkTransactions(given: TransactionsToCheck): void {
  const { operations } = given;
  let some = false;
  for (const sending of operations.sendings) {
    if (!sending.tries.some(({ asked }) => asked.commit)) continue;
    some = true;
    checkPrecommitted(given, sending);
  }
  if (some) checkConsumed(given);
}

/**
 * A commit is of what was read before: if it is beyond a record that the transaction itself
 * publishes, that was read before it was stored.
 */
function checkPrecommitted({ incarnations, report }: TransactionsToCheck, sending: Sending): void {
  const tries = possibleTries(sending);
  for (const { topic, origins } of sending.parts) {
    if (incarnations.wasDeleted(topic)) continue;
    const read = origins.find(({ entry }) =>
      entry && tries.length > 0 && tries.every(({ asked }) => isBeyond(asked, entry))
    );
    if (!read?.entry) continue;
    const at = tries[0]?.asked.at ?? 0;
    const who = tries[0]?.asked.commit?.member;
    const text = `${who} committed beyond ${read.value} at ${placeOf(read.entry)} in the ` +
      "transaction that publishes it";
    return report("precommitted-read", at, text);
  }
}

function isBeyond({ commit }: Asked<"send">, { log, offset }: Entry): boolean {
  return commit?.offsets.some(([topic, partition, next]) =>
    topic === log.topic && partition === log.partition && next > offset
  ) ?? false;
}

/** A record of a group's that a transaction consumed. */
interface Consumed {
  readonly group: string;
  /** `topic/partition/offset` */
  readonly place: string;
  readonly value: string;
  readonly sending: Sending;
}

/** A group's transactions consume each record once, unless an operator takes its offsets back. */
function checkConsumed(given: TransactionsToCheck): void {
  const reset = resetsOf(given);
  const first = new Map<string, Sending>();
  for (const { group, place, value, sending } of consumedBy(given)) {
    if (!isStored(sending) || reset.has(`${group}\n${place.slice(0, place.lastIndexOf("/"))}`)) {
      continue;
    }
    const key = `${group}\n${place}`;
    const before = first.get(key);
    if (!before) first.set(key, sending);
    if (!before || before === sending) continue;
    const text = `${group} consumed ${value} at ${place} in the transactions of ` +
      `${firstValue(before)} and of ${firstValue(sending)}`;
    given.report("consume-counts", sending.tries[0]?.asked.at ?? 0, text);
  }
}

/** For each group, the `topic/partition` whose offsets were, or may have been, set. */
function resetsOf({ operations }: TransactionsToCheck): Set<string> {
  const reset = new Set<string>();
  for (const { asked, outcome } of operations.all.values()) {
    if (asked.f !== "reset" || outcome === "fail") continue;
    for (const [topic, partition] of asked.offsets) {
      reset.add(`${asked.group}\n${topic}/${partition}`);
    }
  }
  return reset;
}

/** It was acknowledged, or seen. */
function isStored({ tries, parts }: Sending): boolean {
  return tries.some(({ ok }) => ok) ||
    parts.some(({ origins }) => origins.some(({ entry }) => entry));
}

/** What each transaction consumed: what its member was sent before, and had not committed yet. */
function* consumedBy(given: TransactionsToCheck): Iterable<Consumed> {
  const { events, operations, incarnations } = given;
  const members = membersOf(operations);
  /** For each member and partition, the records that it was sent and has not committed. */
  const fresh = new Map<string, Told<"poll">["records"][number][]>();
  for (const event of events) {
    if (event.type === "told" && event.f === "assign" && members.has(event.member)) {
      for (const [topic, partition] of event.partitions) {
        fresh.set(`${event.member}\n${topic}/${partition}`, []);
      }
    } else if (event.type === "told" && event.f === "poll" && members.has(event.reader)) {
      if (incarnations.wasDeleted(event.topic)) continue;
      fresh.get(`${event.reader}\n${event.topic}/${event.partition}`)?.push(...event.records);
    } else if (event.type === "invoke" && (event.f === "send" || event.f === "commit")) {
      const { group = "", member = "", offsets = [] } = event.commit ?? {};
      for (const [topic, partition, next] of offsets) {
        const name = `${member}\n${topic}/${partition}`;
        const records = fresh.get(name) ?? [];
        fresh.set(name, records.filter(([offset]) => offset >= next));
        const sending = event.f === "send" ? sendingOf(operations, event) : undefined;
        if (!sending) continue;
        for (const [offset, value] of records) {
          if (offset >= next) continue;
          yield { group, place: `${topic}/${partition}/${offset}`, value, sending };
        }
      }
    }
  }
}

/** Those that commit in transactions. */
function membersOf({ all }: Operations): Set<string> {
  const members = new Set<string>();
  for (const operation of all.values()) {
    if (isSend(operation) && operation.asked.commit) members.add(operation.asked.commit.member);
  }
  return members;
}

function sendingOf({ origins }: Operations, { sends }: Asked<"send">): Sending | undefined {
  return origins.get(sends[0]?.values[0] ?? "")?.part.sending;
}
