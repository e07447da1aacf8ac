/** Checks of what publishers sent: order, places, and atomicity. */

import type { Report } from "./finding.ts";
import type { Event } from "./history.ts";
import type { Incarnations } from "./incarnations.ts";
import { type Entry, type Logs, type PartitionLog, placeOf } from "./partition_log.ts";
import {
  firstValue,
  mayBeDoubled,
  type Operations,
  type Part,
  type Sending,
  type SendOperation,
} from "./operations.ts";

export interface SendsToCheck {
  readonly events: readonly Event[];
  readonly operations: Operations;
  readonly incarnations: Incarnations;
  readonly logs: Logs;
  readonly report: Report;
}

export function checkSends(given: SendsToCheck): void {
  const presence = new Presence(given);
  for (const sending of given.operations.sendings) {
    if (!mayBeDoubled(sending)) {
      for (const part of sending.parts) if (part.origins.length > 1) checkRun(given, part);
    }
    if (sending.tries.length > 1) checkAcknowledgements(given, sending);
    if (sending.parts.length > 1 || (sending.parts[0]?.origins.length ?? 0) > 1) {
      checkWhole(given, sending, presence);
    }
  }
  for (const log of given.logs.all) checkProducers(given, log);
}

/** Records of one publish to one partition are contiguous and in order. */
function checkRun({ events, report }: SendsToCheck, { origins }: Part): void {
  const last = new Map<PartitionLog, { entry: Entry; unknown: number }>();
  /** Records since the last known place whose places are unknown: they may lie in between. */
  let unknown = 0;
  for (const { entry } of origins) {
    if (!entry) {
      unknown++;
      continue;
    }
    const before = last.get(entry.log);
    last.set(entry.log, { entry, unknown });
    if (!before) continue;
    const step = entry.offset - before.entry.offset;
    if (step > 0 && step <= 1 + unknown - before.unknown) continue;
    const at = events[Math.max(entry.shown, before.entry.shown)]?.at ?? 0;
    const text = `${before.entry.value} and ${entry.value} were published as one and are at ` +
      `${placeOf(before.entry)} and ${placeOf(entry)}`;
    report(step > 0 ? "int-send-skip" : "int-nonmonotonic-send", at, text);
  }
}

/** A duplicate gets the places of the original. */
function checkAcknowledgements(given: SendsToCheck, sending: Sending): void {
  for (const [number, part] of sending.parts.entries()) {
    if (!part.producer || given.incarnations.wasDeleted(part.topic)) continue;
    let first: SendOperation | undefined;
    for (const tried of sending.tries) {
      const places = tried.ok?.places?.[number];
      if (!places) continue;
      first ??= tried;
      const before = first.ok?.places?.[number] ?? [];
      const differs = places.findIndex(([partition, offset], i) =>
        before[i]?.[0] !== partition || before[i]?.[1] !== offset
      );
      if (differs < 0) continue;
      const value = part.origins[differs]?.value;
      const text = `${value} was acknowledged at ${part.topic}/${before[differs]?.join("/")} and ` +
        `at ${part.topic}/${places[differs]?.join("/")}`;
      given.report("dup-ack-mismatch", tried.endedAt, text);
    }
  }
}

/** In a partition a producer's sequences rise within an epoch, and its epochs rise. */
function checkProducers({ events, report }: SendsToCheck, log: PartitionLog): void {
  const last = new Map<string, Entry>();
  for (const entry of log.sorted) {
    const stamp = entry.origin?.part.producer;
    if (!stamp) continue;
    const before = last.get(stamp.id);
    const newest = before?.origin?.part.producer;
    const falls = newest && (stamp.epoch < newest.epoch ||
      (stamp.epoch === newest.epoch && stamp.sequence < newest.sequence));
    if (!falls || !before) {
      last.set(stamp.id, entry);
      continue;
    }
    const at = events[Math.max(entry.shown, before.shown)]?.at ?? 0;
    const text = `${entry.value} of ${stamp.id} (epoch ${stamp.epoch}, ${stamp.sequence}) is at ` +
      `${placeOf(entry)}, behind ${before.value} (epoch ${newest.epoch}, ${newest.sequence}) at ` +
      placeOf(before);
    report("nonmonotonic-send", at, text);
  }
}

/** A publish or a transaction is all or nothing. */
function checkWhole({ report }: SendsToCheck, sending: Sending, presence: Presence): void {
  let stored: Entry | undefined;
  let absent: string | undefined;
  for (const { topic, origins } of sending.parts) {
    for (const { value, entry } of origins) {
      if (entry) stored ??= entry;
      else if (presence.wouldShow(topic, sending)) absent ??= value;
    }
  }
  if (!stored || absent === undefined) return;
  const at = stored.log.final?.at ?? sending.tries[0]?.asked.at ?? 0;
  const text = `${firstValue(sending)} and what was published with it is not whole: ` +
    `${stored.value} is at ${placeOf(stored)}, and ${absent} is nowhere`;
  report("torn-transaction", at, text);
}

/** Whether everything stored of a topic is known. */
class Presence {
  /** The logs of each topic, by partition. */
  readonly #logs = new Map<string, PartitionLog[]>();
  readonly #partitions = new Map<string, number>();
  readonly #incarnations: Incarnations;
  readonly #whole = new Map<string, boolean>();

  constructor({ events, incarnations, logs }: SendsToCheck) {
    this.#incarnations = incarnations;
    for (const log of logs.all) {
      this.#logs.set(log.topic, [...(this.#logs.get(log.topic) ?? []), log]);
    }
    for (const event of events) {
      if (event.type !== "told" || event.f !== "topic") continue;
      this.#partitions.set(event.topic, event.partitions);
    }
  }

  /** Whether it would be seen if it were stored. */
  wouldShow(topic: string, { tries }: Sending): boolean {
    if (this.#incarnations.wasDeleted(topic)) return false;
    let whole = this.#whole.get(topic);
    if (whole === undefined) this.#whole.set(topic, whole = this.#isWhole(topic));
    return whole || tries.some(({ ok }) => ok?.places !== undefined) && this.#wasRead(topic);
  }

  #wasRead(topic: string): boolean {
    const logs = this.#logs.get(topic) ?? [];
    const count = this.#partitions.get(topic) ?? 0;
    return logs.length > 0 && logs.length >= count &&
      logs.every(({ final }) => final !== undefined);
  }

  #isWhole(topic: string): boolean {
    const trimmed = (this.#logs.get(topic) ?? []).some(({ final }) => (final?.start ?? 0) > 0);
    return this.#wasRead(topic) && !trimmed;
  }
}
