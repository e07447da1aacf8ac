import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { PRODUCER } from "../../src/limits.ts";
import { Dedupe, type Judgement, verdict } from "../../src/log/dedupe.ts";

const NOW = 1_700_000_000_000;
const ID = "01KB0000000000000000000000";
const OTHER = "01KB00000000000000000000ZZ";
const HOUR = 3_600_000;
const FORGOTTEN = PRODUCER.keptMs + PRODUCER.skewMs;

/** An entry with one publish in one partition. */
interface Stored {
  readonly id?: string;
  readonly epoch?: number;
  readonly time?: number;
  readonly partition?: number;
}

function store(dedupe: Dedupe, sequence: number, base: number, stored: Stored = {}): void {
  const { id = ID, epoch = NOW, time = NOW, partition = 0 } = stored;
  dedupe.producer(id, epoch, time);
  dedupe.publish(sequence, partition, base);
}

function judge(dedupe: Dedupe, sequence: number, asked: Stored = {}): Judgement {
  const { id = ID, epoch = NOW, time = NOW, partition = 0 } = asked;
  return dedupe.judge(partition, { id, epoch, sequence }, time);
}

function kindOf(...args: Parameters<typeof judge>): string {
  return judge(...args).kind;
}

Deno.test("a repeat gets its original offset while it is among the 64 highest, then sequence_too_old", () => {
  const dedupe = new Dedupe();
  for (let sequence = 0; sequence < 100; sequence++) store(dedupe, sequence, 10 * sequence);
  for (let sequence = 36; sequence < 100; sequence++) {
    assertEquals(judge(dedupe, sequence), { kind: "stored", base: 10 * sequence });
  }
  for (let sequence = 0; sequence < 36; sequence++) {
    assertEquals(kindOf(dedupe, sequence), "too_old");
  }
  assertEquals(kindOf(dedupe, 100), "new");
});

Deno.test("the 64 highest are those that were sent, however far apart their numbers are", () => {
  const dedupe = new Dedupe();
  store(dedupe, 0, 5);
  store(dedupe, 1_000_000, 6);
  assertEquals(judge(dedupe, 0), { kind: "stored", base: 5 });
});

Deno.test("a number below what the partition holds of the epoch and not stored itself is too old", () => {
  const dedupe = new Dedupe();
  store(dedupe, 7, 0);
  assertEquals(kindOf(dedupe, 6), "too_old");
  assertEquals(kindOf(dedupe, 6, { partition: 1 }), "new");
});

Deno.test("a number below the 64 highest is too old in every partition of the stripe", () => {
  const dedupe = new Dedupe();
  for (let sequence = 0; sequence < 100; sequence++) store(dedupe, sequence, sequence);
  assertEquals(kindOf(dedupe, 35, { partition: 1 }), "too_old");
  assertEquals(kindOf(dedupe, 36, { partition: 1 }), "new");
});

Deno.test("a publish over several partitions is known in each of them", () => {
  const dedupe = new Dedupe();
  dedupe.producer(ID, NOW, NOW);
  for (const [partition, base] of [[0, 3], [5, 40], [127, 2 ** 47]] as const) {
    dedupe.publish(1, partition, base);
  }
  assertEquals(judge(dedupe, 1, { partition: 5 }), { kind: "stored", base: 40 });
  assertEquals(judge(dedupe, 1, { partition: 127 }), { kind: "stored", base: 2 ** 47 });
  assertEquals(kindOf(dedupe, 1, { partition: 6 }), "new");
});

Deno.test("once a partition holds a newer epoch, an older one is fenced there and only there", () => {
  const dedupe = new Dedupe();
  const older = NOW - HOUR;
  store(dedupe, 0, 1, { epoch: older });
  store(dedupe, 0, 2, { epoch: NOW });
  assertEquals(kindOf(dedupe, 1, { epoch: older }), "fenced");
  assertEquals(kindOf(dedupe, 1, { epoch: older, partition: 1 }), "new");
  assertEquals(kindOf(dedupe, 1, { epoch: older, id: OTHER }), "new");
});

Deno.test("a fenced epoch's repeat still gets its original offset", () => {
  const dedupe = new Dedupe();
  const older = NOW - HOUR;
  store(dedupe, 4, 77, { epoch: older });
  store(dedupe, 0, 78, { epoch: NOW });
  assertEquals(judge(dedupe, 4, { epoch: older }), { kind: "stored", base: 77 });
});

Deno.test("of a producer the newest epochs are known one by one, of older ones that they are over", () => {
  const dedupe = new Dedupe();
  const epochs = Array.from({ length: PRODUCER.histories + 1 }, (_, i) => NOW - HOUR + i);
  for (const epoch of epochs) store(dedupe, 0, epoch - NOW + HOUR, { epoch });
  assertEquals(epochs.map((epoch) => kindOf(dedupe, 0, { epoch })), [
    "fenced",
    ...epochs.slice(1).map(() => "stored"),
  ]);
});

Deno.test("an epoch that the partition does not know counts for keptMs after it was given out", () => {
  const dedupe = new Dedupe();
  store(dedupe, 0, 0, { epoch: NOW });
  const ages: [epoch: number, kind: string][] = [
    [NOW - PRODUCER.keptMs, "new"],
    [NOW - PRODUCER.keptMs - 1, "unknown_producer"],
    [NOW + PRODUCER.skewMs, "new"],
    [NOW + PRODUCER.skewMs + 1, "unknown_producer"],
  ];
  for (const [epoch, kind] of ages) {
    assertEquals(kindOf(dedupe, 0, { epoch, partition: 1 }), kind, "known elsewhere");
    assertEquals(kindOf(dedupe, 0, { epoch, id: OTHER }), kind, "not known at all");
  }
});

Deno.test("a partition that knows the epoch takes it however old it is", () => {
  const dedupe = new Dedupe();
  const epoch = NOW - 10 * PRODUCER.keptMs;
  store(dedupe, 0, 0, { epoch });
  assertEquals(kindOf(dedupe, 1, { epoch }), "new");
});

Deno.test("an id that nobody was given is unknown", () => {
  assertEquals(kindOf(new Dedupe(), 0, { id: "driver-1" }), "unknown_producer");
});

Deno.test("a producer is forgotten keptMs after its last record, whether forget has come to it or not", () => {
  for (const forgets of [false, true]) {
    const dedupe = new Dedupe();
    store(dedupe, 0, 0);
    const last = NOW + HOUR;
    store(dedupe, 1, 1, { time: last });
    const until = last + FORGOTTEN;
    if (forgets) dedupe.forget(until, 10);
    assertEquals(kindOf(dedupe, 1, { time: until }), "stored");
    if (forgets) dedupe.forget(until + 1, 10);
    assertEquals(kindOf(dedupe, 1, { time: until + 1 }), "unknown_producer");
    assertEquals(kindOf(dedupe, 0, { time: until + 1, epoch: until }), "new");
    assertEquals(dedupe.size, forgets ? 0 : 1);
  }
});

Deno.test("a producer that comes back after its time starts anew, whether forget has come to it or not", () => {
  for (const forgets of [false, true]) {
    const dedupe = new Dedupe();
    store(dedupe, 0, 0);
    const later = NOW + FORGOTTEN + 1;
    if (forgets) dedupe.forget(later, 10);
    store(dedupe, 1, 1, { epoch: later, time: later, partition: 1 });
    assertEquals(kindOf(dedupe, 0, { time: later }), "unknown_producer");
    assertEquals(judge(dedupe, 1, { epoch: later, time: later, partition: 1 }).kind, "stored");
  }
});

Deno.test("learning again what is long known lowers nothing", () => {
  const dedupe = new Dedupe();
  store(dedupe, 5, 0);
  store(dedupe, 9, 1);
  store(dedupe, 5, 0);
  assertEquals(kindOf(dedupe, 7), "too_old");
  store(dedupe, 0, 2, { epoch: NOW + 1 });
  store(dedupe, 9, 1);
  assertEquals(kindOf(dedupe, 10), "fenced");
});

Deno.test("forget looks at so many producers a call, and comes round", () => {
  const dedupe = new Dedupe();
  const ids = Array.from({ length: 100 }, (_, i) => `01KB0000000000000000000${100 + i}`);
  for (const [i, id] of ids.entries()) store(dedupe, 0, i, { id, time: NOW + i });
  const now = NOW + FORGOTTEN + 50; // the first 50 are over
  dedupe.forget(now, 30);
  assertEquals(dedupe.size, 70);
  for (let call = 0; call < 4; call++) dedupe.forget(now, 30);
  assertEquals(dedupe.size, 50);
  assertEquals(
    ids.map((id) => kindOf(dedupe, 0, { id, time: now })).lastIndexOf("unknown_producer"),
    49,
  );
});

Deno.test("a clock that was ahead when producers were forgotten brings none of their epochs back", () => {
  const dedupe = new Dedupe();
  store(dedupe, 0, 0);
  dedupe.forget(NOW + 100 * HOUR, 10);
  assertEquals(dedupe.size, 0);
  assertEquals(kindOf(dedupe, 0, { time: NOW + 1 }), "unknown_producer");
});

Deno.test("the verdict over partitions: one repeat, one refusal, or all new", () => {
  const of = (...kinds: string[]) =>
    verdict(kinds.map((kind) => kind === "stored" ? { kind, base: 0 } : { kind } as Judgement));
  const table: [kinds: string[], verdict: string][] = [
    [["new", "new"], "new"],
    [["stored", "stored"], "stored"],
    [["stored", "new"], "torn"],
    [["stored", "too_old"], "too_old"],
    [["new", "too_old"], "too_old"],
    [["fenced", "stored", "too_old"], "fenced"],
    [["unknown_producer", "fenced"], "fenced"],
    [["unknown_producer", "new"], "unknown_producer"],
    [["unknown_producer", "too_old"], "too_old"],
  ];
  for (const [kinds, expected] of table) assertEquals(of(...kinds), expected, kinds.join());
});

Deno.test("whatever comes, nothing is stored twice, and a repeat is answered with its original offset", () => {
  const step = fc.record({
    waitMs: fc.oneof(
      { weight: 40, arbitrary: fc.nat(1_000) },
      { weight: 1, arbitrary: fc.nat(HOUR) },
      { weight: 1, arbitrary: fc.nat(2 * FORGOTTEN) },
    ),
    forget: fc.boolean(),
    newEpoch: fc.nat(99).map((n) => n === 0),
    epochBack: fc.nat(6),
    // From the next one of its epoch on downwards.
    back: fc.oneof({ weight: 3, arbitrary: fc.nat(2) }, { weight: 1, arbitrary: fc.nat(100) }),
    partition: fc.nat(2),
  });
  fc.assert(fc.property(fc.array(step, { maxLength: 400, size: "max" }), (steps) => {
    const dedupe = new Dedupe();
    const epochs = [NOW];
    const next = [0, 0, 0];
    const originals = new Map<string, number>();
    const fences = [0, 0, 0];
    const nextOf = new Map<number, number>();
    let now = NOW;
    for (const { waitMs, forget, newEpoch, epochBack, back, partition } of steps) {
      now += waitMs;
      if (forget) dedupe.forget(now, 1);
      if (newEpoch) epochs.push(Math.max(now, epochs.at(-1)! + 1));
      const epoch = epochs.at(-1 - epochBack % epochs.length)!;
      const sequence = Math.max(0, (nextOf.get(epoch) ?? 0) - back);
      const place = `${epoch}/${sequence}/${partition}`;
      const judgement = judge(dedupe, sequence, { epoch, partition, time: now });
      if (judgement.kind === "stored") assertEquals(judgement.base, originals.get(place));
      if (judgement.kind !== "new") continue;
      assert(!originals.has(place), `${place} is stored twice`);
      assert(epoch >= fences[partition]!, "an older epoch passes the fence");
      fences[partition] = epoch;
      const base = next[partition]!++;
      originals.set(place, base);
      nextOf.set(epoch, Math.max(sequence + 1, nextOf.get(epoch) ?? 0));
      store(dedupe, sequence, base, { epoch, partition, time: now });
      const again = judge(dedupe, sequence, { epoch, partition, time: now });
      // One that is far behind the newest is only known to be there.
      const isNewest = epoch === Math.max(...nextOf.keys()) && sequence + 1 === nextOf.get(epoch);
      if (isNewest || again.kind === "stored") assertEquals(again, { kind: "stored", base });
      else assertEquals(again.kind, "too_old");
    }
  }));
});
