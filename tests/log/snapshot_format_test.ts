import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { AssertionFailed } from "../../src/assert.ts";
import { PRODUCER, STORE } from "../../src/limits.ts";
import { Dedupe } from "../../src/log/dedupe.ts";
import { restore, snapshotPieces } from "../../src/log/snapshot_format.ts";

const NOW = 1_700_000_000_000;
const IDS = [
  "01KB0000000000000000000000",
  "01KB00000000000000000000ZZ",
  "7ZZZZZZZZZZZZZZZZZZZZZZZZZ",
];
const PARTITIONS = 3;
const SEQUENCES = 90;
const FORGOTTEN = PRODUCER.keptMs + PRODUCER.skewMs;

/** What one entry says of one publish. */
interface Learned {
  readonly time: number;
  readonly id: string;
  readonly epoch: number;
  readonly sequence: number;
  readonly partition: number;
  readonly base: number;
}

function learn(dedupe: Dedupe, { time, id, epoch, sequence, partition, base }: Learned): void {
  dedupe.producer(id, epoch, time);
  dedupe.publish(sequence, partition, base);
}

/** Every answer that a table could be asked for. */
function answers(dedupe: Dedupe, epochs: readonly number[], now: number) {
  const all: unknown[] = [];
  for (const id of IDS) {
    for (const epoch of epochs) {
      for (let sequence = 0; sequence < SEQUENCES; sequence++) {
        for (let partition = 0; partition < PARTITIONS; partition++) {
          all.push(dedupe.judge(partition, { id, epoch, sequence }, now));
        }
      }
    }
  }
  return all;
}

const steps = fc.array(
  fc.record({
    waitMs: fc.oneof(
      { weight: 20, arbitrary: fc.nat(1_000) },
      { weight: 1, arbitrary: fc.nat(2 * FORGOTTEN) },
    ),
    id: fc.constantFrom(...IDS),
    epoch: fc.nat(6),
    sequence: fc.nat(SEQUENCES - 1),
    partition: fc.nat(PARTITIONS - 1),
    forget: fc.nat(3).map((n) => n === 0),
  }),
  { minLength: 1, maxLength: 300, size: "max" },
);

Deno.test("a snapshot taken while entries came, and these entries, give what was known", () => {
  fc.assert(
    fc.property(steps, fc.nat(299), fc.nat(20), (all, begin, pace) => {
      const live = new Dedupe();
      const log: Learned[] = [];
      const epochs = Array.from({ length: 7 }, (_, i) => NOW - 3_600_000 + i);
      const pieces: Uint8Array[] = [];
      const from = begin % all.length;
      let snapshot: Iterator<Uint8Array> | undefined;
      let now = NOW;
      const advance = (count: number) => {
        for (let i = 0; i < count; i++) {
          const { value, done } = snapshot!.next();
          if (done) return;
          pieces.push(Uint8Array.from(value));
        }
      };
      for (const [i, { waitMs, forget, epoch, ...step }] of all.entries()) {
        if (i === from) snapshot = snapshotPieces(live, 1); // a piece for every part
        now += waitMs;
        const learned = { ...step, epoch: epochs[epoch]!, time: now, base: i * 1_000_003 };
        log.push(learned);
        learn(live, learned);
        if (forget) live.forget(now, 2);
        if (snapshot && i % (pace + 1) === 0) advance(1);
      }
      advance(Infinity);
      const rebuilt = new Dedupe();
      for (const piece of pieces) restore(rebuilt, piece);
      for (const learned of log.slice(from)) learn(rebuilt, learned);
      for (const later of [0, PRODUCER.keptMs, FORGOTTEN, FORGOTTEN + 1]) {
        assertEquals(answers(rebuilt, epochs, now + later), answers(live, epochs, now + later));
      }
    }),
    { numRuns: 60 },
  );
});

Deno.test("learning entries again, in their order, changes no answer", () => {
  fc.assert(
    fc.property(steps, fc.nat(299), (all, begin) => {
      const dedupe = new Dedupe();
      const epochs = Array.from({ length: 7 }, (_, i) => NOW - 3_600_000 + i);
      let now = NOW;
      const log = all.map(({ waitMs, epoch, ...step }, base): Learned => {
        now += waitMs;
        return { ...step, epoch: epochs[epoch]!, time: now, base };
      });
      for (const learned of log) learn(dedupe, learned);
      const before = answers(dedupe, epochs, now);
      for (const learned of log.slice(begin % log.length)) learn(dedupe, learned);
      assertEquals(answers(dedupe, epochs, now), before);
    }),
    { numRuns: 60 },
  );
});

Deno.test("pieces fit values, also of a producer that has written to 128 partitions", () => {
  const dedupe = new Dedupe();
  for (let sequence = 0; sequence < PRODUCER.window; sequence++) {
    dedupe.producer(IDS[0]!, NOW, NOW);
    for (let partition = 0; partition < 128; partition++) {
      dedupe.publish(sequence, partition, 2 ** 47 + sequence * partition * 2 ** 33);
    }
  }
  const pieces = [...snapshotPieces(dedupe)];
  for (const piece of pieces) assert(piece.length <= STORE.valueBytes);
  assert(pieces.length > 1);
  const rebuilt = new Dedupe();
  for (const piece of pieces) restore(rebuilt, piece);
  for (const partition of [0, 64, 127]) {
    for (const sequence of [0, 63]) {
      const stamp = { id: IDS[0]!, epoch: NOW, sequence };
      assertEquals(rebuilt.judge(partition, stamp, NOW), dedupe.judge(partition, stamp, NOW));
    }
  }
});

Deno.test("what is known of nobody takes no piece, and a piece of another version is refused", () => {
  const dedupe = new Dedupe();
  assertEquals([...snapshotPieces(dedupe)], []);
  assertThrows(() => restore(dedupe, Uint8Array.of(200)), AssertionFailed);
});
