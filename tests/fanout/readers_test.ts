/** Few readers at a time read the store, and each pushes in its turn. */

import { assertEquals, assertRejects } from "@std/assert";
import { Hub } from "../../src/fanout/hub.ts";
import { Pace } from "../../src/fanout/pace.ts";
import { Readers } from "../../src/fanout/readers.ts";
import type { Clock } from "../../src/host/host.ts";
import { LOG, SESSION } from "../../src/limits.ts";
import { Log } from "../../src/log/log.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import { settled, testHost } from "../support/test_host.ts";
import { TurnClock } from "../support/turn_clock.ts";

/** A topic of one record, which is read from the store each time. */
async function stored(clock: Clock) {
  const log = new Log(new MemoryStore(), testHost(), 0);
  const { topic } = await log.topics.create("t", { partitions: 1 });
  await log.open(topic);
  const records = [{ source: new TextEncoder().encode("1"), from: 0, to: 1, partition: 0 }];
  await new Promise((done) => log.append({ parts: [{ topic, records }], done }));
  const hub = new Hub({
    isWriting: false,
    known: (...where) => log.known(...where),
    cached: () => undefined,
    read: (...what) => log.read(...what),
  }, clock);
  return { hub, topic };
}

Deno.test("of those who wait for the same page few push in one turn of the event loop", async () => {
  const clock = new TurnClock();
  const { hub, topic } = await stored(clock);
  let pushes = 0;
  const sink = {
    full: false,
    push() {
      clock.time += SESSION.catchUpMs / 2;
      pushes++;
    },
  };
  for (let i = 0; i < 4 * LOG.readersAtOnce; i++) {
    hub.open({ subscription: 1 }, sink).add(topic, 0, 0);
  }
  await settled();
  assertEquals(pushes, LOG.readersAtOnce);
  for (let turns = 0; pushes < 4 * LOG.readersAtOnce; turns++) {
    const before = pushes;
    await clock.endTurn();
    const within = pushes - before;
    assertEquals(
      [within > 0, within <= LOG.readersAtOnce],
      [true, true],
      `${within} in turn ${turns}`,
    );
  }
});

Deno.test("a reader that finds no room in its turn reads again, also if there is some at once", async () => {
  const { hub, topic } = await stored(new TurnClock());
  let pushes = 0;
  const sink = {
    full: false,
    push() {
      pushes++;
      sink.full = true;
      Promise.resolve().then(() => sink.full = false); // it was sent at the end of the turn
    },
  };
  const feeds = [1, 2].map((subscription) => hub.open({ subscription }, sink));
  for (const feed of feeds) feed.add(topic, 0, 0);
  await settled();
  for (const feed of feeds) feed.resume();
  await settled();
  assertEquals(pushes, 2);
});

/** Readers of a log to which nothing is being written, until the test says so. */
function idleReaders() {
  const clock = new TurnClock();
  const log = { isWriting: false };
  return { clock, log, readers: new Readers(new Pace(clock), clock, log) };
}

Deno.test("as many read as may, and the next when one of them has pushed or failed", async () => {
  const { readers } = idleReaders();
  const reads: (() => void)[] = [];
  let pushes = 0;
  const read = () => new Promise<void>((resolve) => reads.push(resolve));
  const failing = assertRejects(() =>
    readers.read(() => Promise.reject(new Error("cannot be read")), () => pushes++)
  );
  const all = Array.from(
    { length: LOG.readersAtOnce + 2 },
    () => readers.read(read, () => pushes++),
  );
  await failing;
  await settled();
  assertEquals([reads.length, pushes], [LOG.readersAtOnce, 0]);
  reads[0]?.();
  await settled();
  assertEquals([reads.length, pushes], [LOG.readersAtOnce + 1, 1]);
  for (let done = 1; done < LOG.readersAtOnce + 2; done++) {
    reads[done]?.();
    await settled();
  }
  await Promise.all(all);
  assertEquals(pushes, LOG.readersAtOnce + 2);
});

Deno.test("one that has read rests while something is being written, by how long that took it", async () => {
  const { clock, log, readers } = idleReaders();
  const rests: number[] = [];
  const readFor = async (ms: number) => {
    const reading = readers.read(() => Promise.resolve(void (clock.time += ms)), () => {});
    await settled();
    for (const { ms, run } of clock.timers.splice(0)) {
      rests.push(ms);
      run();
    }
    await reading;
  };
  await readFor(1);
  assertEquals(rests, [], "nothing is being written");
  log.isWriting = true;
  await readFor(1);
  await readFor(1_000);
  assertEquals(rests, [LOG.readersRest, LOG.readersRestMs]);
});

Deno.test("the place of one that rests is not another's", async () => {
  const { clock, log, readers } = idleReaders();
  log.isWriting = true;
  let reads = 0;
  const read = () => Promise.resolve(void (reads++, clock.time++));
  const all = Array.from({ length: LOG.readersAtOnce + 1 }, () => readers.read(read, () => {}));
  await settled();
  assertEquals(reads, LOG.readersAtOnce);
  clock.timers[0]?.run();
  await settled();
  assertEquals(reads, LOG.readersAtOnce + 1);
  for (const { run } of clock.timers) run();
  await Promise.all(all);
});
