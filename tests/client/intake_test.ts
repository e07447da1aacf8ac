/** What a reader gets at a time: all that waits of a partition, in order, within limits. */

import { assertEquals } from "@std/assert";
import { arrived, skipped } from "../../src/client/batch.ts";
import type { Connection } from "../../src/client/connection.ts";
import { Intake } from "../../src/client/intake.ts";
import { CREDIT } from "../../src/limits.ts";

function push(partition: number, offset: number, kept = false) {
  const records = [{ offset, timestamp: 0, value: offset }];
  const next = offset + 1;
  return arrived<number>(
    {
      type: "records",
      subscription: 1,
      topic: "t",
      partition,
      records,
      next,
      bytes: 10,
      ...kept && { kept },
    },
    0,
  );
}

function gap(partition: number, from: number, to: number) {
  return skipped({ type: "gap", subscription: 1, topic: "t", partition, from, to, reason: "slow" });
}

/** An intake without a connection: nothing here needs one. */
function intake(records = 100) {
  return new Intake<number>({} as Connection, { records });
}

async function taken(from: Intake<number>): Promise<string[]> {
  const all: string[] = [];
  from.inbox.end();
  for (let item = await from.next(); item; item = await from.next()) {
    all.push(
      item.kind === "gap"
        ? `gap ${item.at.partition} ${item.at.from}-${item.at.to}`
        : `${item.at.partition}: ${
          item.at.records.map(({ offset }) => offset).join(" ")
        } next ${item.at.next}`,
    );
  }
  return all;
}

Deno.test("waiting records of a partition are merged, those of others come after them", async () => {
  const waiting = intake();
  for (const [partition, offset] of [[0, 0], [1, 0], [0, 1], [2, 5], [0, 2], [1, 1]] as const) {
    waiting.put(push(partition, offset));
  }
  assertEquals(await taken(waiting), ["0: 0 1 2 next 3", "1: 0 1 next 2", "2: 5 next 6"]);
});

Deno.test("gaps, and records that are kept of them, keep their place between the records", async () => {
  const waiting = intake();
  waiting.put(push(0, 0));
  waiting.put(gap(0, 1, 7));
  waiting.put(push(0, 7, true));
  waiting.put(push(0, 8));
  waiting.put(push(1, 0));
  assertEquals(await taken(waiting), [
    "0: 0 next 1",
    "gap 0 1-7",
    "0: 7 next 8",
    "0: 8 next 9",
    "1: 0 next 1",
  ]);
});

Deno.test("a merged batch has at most half of the capacity", async () => {
  const waiting = intake(6);
  for (let offset = 0; offset < 7; offset++) waiting.put(push(0, offset));
  assertEquals(await taken(waiting), ["0: 0 1 2 next 3", "0: 3 4 5 next 6", "0: 6 next 7"]);
});

Deno.test("a merged batch counts as the sum of its parts", async () => {
  const waiting = intake(4);
  waiting.put(push(0, 0));
  waiting.put(push(0, 1));
  const first = await waiting.next();
  assertEquals(first?.kind === "records" && first.cost, { records: 2, bytes: 20 });
  assertEquals(waiting.credit().records, 2);
});

Deno.test("capacity beyond what a gateway grants is capped", () => {
  const { maxRecords, maxBytes } = CREDIT;
  const waiting = new Intake<number>({} as Connection, { records: 1e9, bytes: 1e12 });
  assertEquals(waiting.credit(), { records: maxRecords, bytes: maxBytes });
});
