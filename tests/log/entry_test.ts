import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { AssertionFailed } from "../../src/assert.ts";
import { ADVERTISED, LOG, STORE } from "../../src/limits.ts";
import { type DecodedEntry, decodeEntry, EntryBuilder, hasWriteId } from "../../src/log/entry.ts";
import { RecordCursor } from "../../src/log/record.ts";
import type { RecordIn } from "../../src/types.ts";

const TIME = 1_700_000_000_000;
const IDS = [
  "01KB0000000000000000000000",
  "01KB00000000000000000000ZZ",
  "7ZZZZZZZZZZZZZZZZZZZZZZZZZ",
];
const builder = new EntryBuilder();

/** Some records of one publish in one partition. */
interface Plan {
  readonly partition: number;
  readonly sizes: readonly number[];
  readonly producer: number;
}

function record(size: number, fill: number): RecordIn {
  const source = new Uint8Array(size + 2).fill(0x61 + fill % 26);
  source[0] = source[size + 1] = 0x22;
  return { key: `key${fill}`, source, from: 0, to: size + 2 };
}

/** What an entry says of publishes, as one row for each. */
function publishesOf(entry: DecodedEntry) {
  const told: [id: string, epoch: number, sequence: number, partition: number, base: number][] = [];
  let producer: [string, number] = ["", 0];
  entry.publishes({
    producer: (id, epoch, time) => {
      assertEquals(time, entry.time);
      producer = [id, epoch];
    },
    publish: (...place) => told.push([...producer, ...place]),
  });
  return told.sort();
}

function valuesOf(payload: Uint8Array): [key: string | undefined, value: Uint8Array][] {
  const values: [string | undefined, Uint8Array][] = [];
  const cursor = new RecordCursor(payload, TIME);
  while (cursor.next()) {
    values.push([cursor.key(), payload.slice(cursor.valueFrom, cursor.valueTo)]);
  }
  return values;
}

function checkRoundTrip(bases: number[], plans: readonly Plan[], writeId: Uint8Array) {
  builder.begin({ writeId, time: TIME, bases });
  const next = [...bases];
  const records: RecordIn[][] = bases.map(() => []);
  const told: ReturnType<typeof publishesOf> = [];
  for (const [sequence, { partition, sizes, producer }] of plans.entries()) {
    const base = next[partition]!;
    for (const size of sizes) {
      const one = record(size, sequence);
      builder.add(partition, one);
      records[partition]!.push(one);
    }
    next[partition] = base + sizes.length;
    const id = IDS[producer];
    if (id === undefined) continue;
    const stamp = { id, epoch: TIME - producer * 1_000_000, sequence };
    builder.addPublish(stamp, [{ partition, base, count: sizes.length }]);
    told.push([id, stamp.epoch, sequence, partition, base]);
  }
  const chunks = builder.finish();
  for (const chunk of chunks) assert(chunk.length <= STORE.valueBytes, "a chunk fits a value");
  for (const stored of [chunks, chunks.map((chunk) => Uint8Array.from(chunk))]) {
    const entry = decodeEntry(stored, bases.length);
    assertEquals(entry.writeId, writeId);
    assertEquals([entry.time, entry.bases, entry.chunks], [TIME, bases, chunks.length]);
    assertEquals(entry.bytes, chunks.reduce((sum, chunk) => sum + chunk.length, 0));
    assertEquals(publishesOf(entry), told.sort());
    const filled = records.flatMap((held, partition) => held.length > 0 ? [partition] : []);
    assertEquals(entry.sections.map(({ partition }) => partition), filled);
    for (const { partition, count, payload } of entry.sections) {
      const held = records[partition]!;
      assertEquals(count, held.length);
      const expected = held.map(({ key, source }) => [key, source] as const);
      assertEquals(valuesOf(payload), expected as unknown as ReturnType<typeof valuesOf>);
    }
  }
  return chunks;
}

const writeIds = fc.uint8Array({ minLength: 16, maxLength: 16, size: "max" });

function plansFor(partitions: number, maxSize: number) {
  return fc.array(
    fc.record({
      partition: fc.nat(partitions - 1),
      sizes: fc.array(fc.nat(maxSize), { minLength: 1, maxLength: 4 }),
      producer: fc.nat(IDS.length),
    }),
    { minLength: 1, maxLength: 30, size: "max" },
  );
}

Deno.test("an entry is read back as it was built, whatever builder was used before", () => {
  const entries = fc.integer({ min: 1, max: 128 }).chain((partitions) =>
    fc.tuple(
      fc.array(fc.nat({ max: 2 ** 47 }), { minLength: partitions, maxLength: partitions }),
      plansFor(partitions, 300),
      writeIds,
    )
  );
  fc.assert(fc.property(entries, (entry) => void checkRoundTrip(...entry)));
});

Deno.test("an entry of many values is read back, each value full but the last", () => {
  fc.assert(
    fc.property(plansFor(16, 20_000), writeIds, (plans, writeId) => {
      const chunks = checkRoundTrip(new Array(16).fill(5), plans, writeId);
      for (const chunk of chunks.slice(0, -1)) assertEquals(chunk.length, STORE.valueBytes);
    }),
    { numRuns: 20 },
  );
});

Deno.test("the largest entry, with records of the largest size, fits one write", () => {
  const size = ADVERTISED.recordBytes - 10;
  const sizes = [size, size, LOG.entryBytes - 2 * ADVERTISED.recordBytes];
  const plans = [{ partition: 1, sizes, producer: 0 }];
  const chunks = checkRoundTrip([0, 2 ** 40], plans, new Uint8Array(16));
  assertEquals(chunks.length, Math.ceil(LOG.entryBytes / STORE.valueBytes));
  assert(chunks.reduce((sum, chunk) => sum + chunk.length, 0) <= STORE.writeBytes);
});

Deno.test("a publish over several partitions is told in the order of partitions", () => {
  builder.begin({ writeId: new Uint8Array(16), time: TIME, bases: [10, 20, 30] });
  for (const partition of [2, 0, 1]) builder.add(partition, record(1, 0));
  builder.addPublish({ id: IDS[0]!, epoch: TIME, sequence: 2 ** 53 - 1 }, [
    { partition: 2, base: 30, count: 1 },
    { partition: 0, base: 10, count: 1 },
    { partition: 1, base: 20, count: 1 },
  ]);
  const told: number[][] = [];
  decodeEntry(builder.finish(), 3).publishes({
    producer() {},
    publish: (...place) => told.push(place),
  });
  assertEquals(told, [[2 ** 53 - 1, 0, 10], [2 ** 53 - 1, 1, 20], [2 ** 53 - 1, 2, 30]]);
});

Deno.test("64 publishes of one producer cost 5 or 6 bytes each", () => {
  const bases = [2 ** 40];
  const build = (publishes: number) => {
    builder.begin({ writeId: new Uint8Array(16), time: TIME, bases });
    for (let i = 0; i < 64; i++) builder.add(0, record(1, 0));
    for (let i = 0; i < publishes; i++) {
      const stamp = { id: IDS[0]!, epoch: TIME - 5_000, sequence: 1_000_000 + i };
      builder.addPublish(stamp, [{ partition: 0, base: 2 ** 40 + i, count: 1 }]);
    }
    return builder.finish()[0]!.length;
  };
  const each = (build(64) - build(1)) / 63;
  assert(each <= 6, `${each} bytes`);
});

Deno.test("an entry's first value tells which write stored it", () => {
  const mine = new Uint8Array(16).fill(1);
  const other = new Uint8Array(16).fill(1, 0, 15);
  builder.begin({ writeId: mine, time: TIME, bases: [0] });
  builder.add(0, record(1, 0));
  const value = builder.finish()[0]!;
  assertEquals([hasWriteId(value, mine), hasWriteId(value, other)], [true, false]);
});

Deno.test("an entry of another version, or one cut short, is refused", () => {
  builder.begin({ writeId: new Uint8Array(16), time: TIME, bases: [0] });
  builder.add(0, record(100, 0));
  const value = builder.finish()[0]!;
  const newer = Uint8Array.from(value);
  newer[0] = 200;
  assertThrows(() => decodeEntry([newer], 1), AssertionFailed);
  assertThrows(() => decodeEntry([value.subarray(0, 60)], 1), AssertionFailed);
});
