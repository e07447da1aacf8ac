/** Several riders in one write, of which one must be judged again: as commits are, when a fence moves. */

import { assertEquals } from "@std/assert";
import { GatewayError } from "../../src/errors.ts";
import { TOPIC } from "../../src/limits.ts";
import type { Append, AppendResult, Rider } from "../../src/log/append.ts";
import type { Log } from "../../src/log/log.ts";
import { Announcer } from "../../src/peers/announcer.ts";
import type { Key } from "../../src/store/store.ts";
import type { Topic } from "../../src/types.ts";
import { FatedStore, set, storedUnheard } from "../store/fated_store.ts";
import { testHost } from "../support/test_host.ts";
import { append, fixture, places, record, refused, valuesOf } from "./log_fixture.ts";

const RIDERS = 5;

/** Rides under a check on a fence of its own, and leaves a value. */
class Riding {
  readonly #store: FatedStore;
  readonly #number: number;
  readonly #isOver: () => boolean;
  #fence: string | null = null;
  readonly told: string[] = [];

  /** `isOver`: whether it may ride no more, once it has reread its fence. */
  constructor(store: FatedStore, number: number, isOver: () => boolean) {
    this.#store = store;
    this.#number = number;
    this.#isOver = isOver;
  }

  get fence(): Key {
    return ["fence", this.#number];
  }

  get left(): Key {
    return ["left", this.#number];
  }

  transact(log: Log, topic: Topic, partitions: readonly number[] = [0]): Promise<AppendResult> {
    const records = partitions.map((partition) => record(this.#number, { partition }));
    const parts: Append["parts"] = [{ topic, records }];
    return new Promise((done) => log.append({ parts, board: () => this.#board(), done }));
  }

  #board(): Rider {
    if (this.told.length > 0 && this.#isOver()) throw new GatewayError("fenced", "It is over");
    return {
      checks: [{ key: this.fence, version: this.#fence }],
      mutations: [set(this.fence, 1), set(this.left, this.#number)],
      bytes: 100,
      evidence: { key: this.left, holds: () => true },
      stored: () => void this.told.push("stored"),
      refused: async () => {
        this.told.push("refused");
        const [entry] = await this.#store.stored.read([this.fence]);
        this.#fence = entry?.version ?? null;
      },
    };
  }
}

function offsetOf(result: AppendResult): number | undefined {
  return places(result)?.[0]?.[1];
}

/** Transactions in one write, and a publish behind them; the fence of one has moved. */
async function ride(moved: number, isOver: boolean) {
  const store = new FatedStore();
  const at = await fixture(4, store, testHost());
  await at.log.open(at.topic);
  const riding = Array.from(
    { length: RIDERS },
    (_, i) => new Riding(store, i, () => isOver && i === moved),
  );
  const key = riding[moved]!.fence;
  await store.stored.write({ checks: [{ key, version: null }], mutations: [set(key, 9)] });
  store.calls.length = 0;
  const going = [
    ...riding.map((rider) => rider.transact(at.log, at.topic)),
    append(at.log, at.topic, [record("behind", { partition: 0 })]),
  ];
  await at.host.clock.advance(1_000);
  const results = await Promise.all(going);
  const writes = store.calls.filter((call) => call === "write").length;
  const left = await Promise.all(riding.map(({ left }) => store.value(left)));
  const values = (await valuesOf(at.log, at.topic, 0, 0)).map(([, value]) => value);
  return { results, writes, left, values, told: riding.map(({ told }) => told) };
}

Deno.test("if the fence of one rider has moved, all are judged again, and stored in their order", async () => {
  for (let moved = 0; moved < RIDERS; moved++) {
    const { results, writes, left, values, told } = await ride(moved, false);
    assertEquals(results.map(offsetOf), [0, 1, 2, 3, 4, 5]);
    assertEquals(writes, 2);
    assertEquals(left, [0, 1, 2, 3, 4]);
    assertEquals(values, [0, 1, 2, 3, 4, "behind"]);
    assertEquals(told, new Array(RIDERS).fill(["refused", "stored"]));
  }
});

Deno.test("if one rider may ride no more, it alone is refused", async () => {
  for (let moved = 0; moved < RIDERS; moved++) {
    const { results, left, values, told } = await ride(moved, true);
    const others = [0, 1, 2, 3, 4].filter((number) => number !== moved);
    assertEquals(refused(results[moved]!), "fenced");
    assertEquals(values, [...others, "behind"]);
    assertEquals(left.map((value) => value !== undefined), told.map((_, i) => i !== moved));
    assertEquals(told[moved], ["refused"]);
  }
});

Deno.test("riders of which nobody heard whether they are stored are told once that they are", async () => {
  const store = new FatedStore();
  const at = await fixture(4, store, testHost());
  await at.log.open(at.topic);
  const riding = Array.from({ length: RIDERS }, (_, i) => new Riding(store, i, () => false));
  store.writeFates = [storedUnheard];
  const results = await Promise.all(riding.map((rider) => rider.transact(at.log, at.topic)));
  assertEquals(results.map(offsetOf), [0, 1, 2, 3, 4]);
  assertEquals(riding.map(({ told }) => told), riding.map(() => ["stored"]));
});

Deno.test("a transaction over a whole topic rides, also beside the news of its gateway", async () => {
  const store = new FatedStore();
  const { log, topic } = await fixture(TOPIC.stripes * TOPIC.stripeWidth, store, testHost());
  log.journal.add({ take: () => undefined }, Announcer.room);
  await log.open(topic);
  const everywhere = Array.from({ length: TOPIC.stripes }, (_, i) => i * TOPIC.stripeWidth);
  const riding = [0, 1, 2].map((i) => new Riding(store, i, () => false));
  const results = await Promise.all(
    riding.map((rider) => rider.transact(log, topic, everywhere)),
  );
  assertEquals(results.map(offsetOf), [0, 1, 2]);
});
