/** What tests of a log share: records as bytes, appends as promises, and what is read as values. */

import { assert } from "@std/assert";
import type { Append, AppendResult } from "../../src/log/append.ts";
import { Lane } from "../../src/log/lane.ts";
import { Log } from "../../src/log/log.ts";
import { RecordCursor } from "../../src/log/record.ts";
import type { Section } from "../../src/log/section.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import type { Store } from "../../src/store/store.ts";
import type { Offset, ProducerStamp, RecordIn, Topic } from "../../src/types.ts";
import { type TestHost, testHost } from "../support/test_host.ts";

const utf8 = new TextEncoder();
export const PRODUCER = "01KB0000000000000000000000";

export function record(value: unknown, more: Partial<RecordIn> = {}): RecordIn {
  const source = utf8.encode(JSON.stringify(value));
  return { source, from: 0, to: source.length, ...more };
}

export function append(
  log: Log,
  topic: Topic,
  records: readonly RecordIn[],
  more: Partial<Append["parts"][number]> = {},
): Promise<AppendResult> {
  return new Promise((done) => log.append({ parts: [{ topic, records, ...more }], done }));
}

/** As a session lets it in. */
export function stamped(lane: Lane, producer: ProducerStamp) {
  return { producer, admission: lane.admit(producer.sequence) };
}

export function stamp(host: TestHost, sequence: number, epochBack = 0): ProducerStamp {
  return { id: PRODUCER, epoch: host.clock.now() - epochBack, sequence };
}

export async function fixture(
  partitions = 4,
  store: Store = new MemoryStore(),
  host = testHost(),
) {
  const log = new Log(store, host, 0);
  const { topic } = await log.topics.create("gps", { partitions });
  return { store, host, log, topic };
}

export async function valuesOf(log: Log, topic: Topic, partition: number, from: Offset) {
  const { sections } = await log.read(topic, partition, { from, bytesMax: 1 << 20 });
  return valuesIn(sections, from);
}

export function valuesIn(sections: readonly Section[], from: Offset): [Offset, unknown][] {
  const values: [Offset, unknown][] = [];
  for (const { base, payload, time } of sections) {
    const cursor = new RecordCursor(payload, time);
    for (let offset = base; cursor.next(); offset++) {
      const text = new TextDecoder().decode(payload.subarray(cursor.valueFrom, cursor.valueTo));
      if (offset >= from) values.push([offset, JSON.parse(text)]);
    }
  }
  return values;
}

export function places(result: AppendResult) {
  assert(result.ok, result.ok ? "" : `${result.error.code}: ${result.error.message}`);
  return result.offsets[0];
}

export function refused(result: AppendResult) {
  return result.ok ? "stored" : result.error.code;
}
