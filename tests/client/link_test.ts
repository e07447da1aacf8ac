/**
 * The state machine of the client's link: when it probes, gives up, waits, reconnects and stops.
 */

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { type ConnectionState, isFinal, Link } from "../../src/client/link.ts";

class Fixture {
  readonly did: string[] = [];
  readonly states: ConnectionState[] = [];
  busy = false;
  readonly link: Link;

  constructor(random = 0.5) {
    this.link = new Link({
      open: () => this.did.push("open"),
      drop: () => this.did.push("drop"),
      heartbeat: () => this.did.push("heartbeat"),
      isBusy: () => this.busy,
      changed: (state) => this.states.push(state),
    }, () => random);
  }

  /** The calls of its port since the last look. */
  take(): string[] {
    return this.did.splice(0);
  }

  get status(): string | undefined {
    return this.states.at(-1)?.status;
  }
}

function opened(now = 0): Fixture {
  const fixture = new Fixture();
  fixture.link.start(now);
  fixture.link.welcomed(now, { heartbeatMs: 15_000 });
  fixture.take();
  return fixture;
}

Deno.test("the protocol's close codes say whether to reconnect", () => {
  const final = [1002, 1003, 1007, 1008, 1009, 4500, 4501, 4502, 4999];
  const passing = [0, 1000, 1001, 1005, 1006, 1011, 1012, 4000, 4001, 4002, 4003, 4499, 5000];
  assertEquals(final.filter((code) => !isFinal(code)), []);
  assertEquals(passing.filter(isFinal), []);
});

Deno.test("after a final close code it stops, and says why", () => {
  const fixture = opened();
  fixture.link.lost(10, 4502, "too many invalid frames");
  const { status, reason, error } = fixture.states.at(-1)!;
  assertEquals([status, error?.code, error?.detail.closeCode], ["closed", "refused", 4502]);
  assert(reason.includes("too many invalid frames"));
  assertEquals(fixture.link.deadline, Infinity);
});

Deno.test("after a silence it asks for an answer, and without one the connection is lost", () => {
  const fixture = opened();
  fixture.link.tick(14_999);
  assertEquals(fixture.take(), []);
  fixture.link.tick(15_000);
  assertEquals(fixture.take(), ["heartbeat"]);
  fixture.link.tick(25_000);
  assertEquals([fixture.take(), fixture.status], [["drop"], "waiting"]);
});

Deno.test("any message counts as an answer, and keeps it open", () => {
  const fixture = opened();
  fixture.link.tick(15_000);
  fixture.link.said(15_000);
  fixture.link.heard(16_000);
  fixture.link.tick(25_000);
  assertEquals([fixture.take(), fixture.status], [["heartbeat"], "open"]);
});

Deno.test("after a wake it asks at once, and gives up after 2 s", () => {
  const fixture = opened();
  fixture.link.wake(1_000);
  assertEquals(fixture.take(), ["heartbeat"]);
  assertEquals(fixture.link.deadline, 3_000);
  fixture.link.tick(3_000);
  assertEquals(fixture.status, "waiting");
});

Deno.test("a late timer proves nothing: it asks again", () => {
  const fixture = opened();
  fixture.link.tick(15_000);
  fixture.take();
  fixture.link.tick(400_000);
  assertEquals([fixture.take(), fixture.status], [["heartbeat"], "open"]);
  fixture.link.tick(402_000);
  assertEquals(fixture.status, "waiting");
});

Deno.test("a hidden page, whose timers are all late, gives up a silent gateway", () => {
  const fixture = opened();
  for (const now of [60_000, 120_000]) {
    fixture.link.tick(now);
    assertEquals([fixture.take(), fixture.status], [["heartbeat"], "open"]);
  }
  fixture.link.heard(120_100);
  for (const now of [180_000, 240_000]) {
    fixture.link.tick(now);
    assertEquals([fixture.take(), fixture.status], [["heartbeat"], "open"]);
  }
  fixture.link.tick(300_000);
  assertEquals([fixture.take(), fixture.status], [["drop"], "waiting"]);
});

Deno.test("a wake while it waits makes it connect at once", () => {
  const fixture = opened();
  fixture.link.lost(10_000, 1006, "");
  fixture.take();
  fixture.link.wake(10_001);
  assertEquals(fixture.take(), ["open"]);
});

Deno.test("a wake while it connects makes it give up after 2 s, unless it has just begun", () => {
  const fixture = new Fixture();
  fixture.link.start(0);
  fixture.link.wake(1_999);
  assertEquals(fixture.link.deadline, 10_000);
  fixture.link.wake(2_000);
  fixture.link.wake(3_000);
  assertEquals(fixture.link.deadline, 4_000);
});

Deno.test("a draining gateway is left once no answer is awaited", () => {
  const fixture = opened();
  fixture.link.draining(1_000, 500);
  fixture.busy = true;
  fixture.link.tick(1_500);
  assertEquals(fixture.status, "open");
  fixture.busy = false;
  fixture.link.tick(1_600);
  assertEquals([fixture.take(), fixture.status], [["drop"], "waiting"]);
});

Deno.test("waits have full jitter, grow while it fails, and stay below 20 s", () => {
  fc.assert(fc.property(
    fc.double({ min: 0, max: 0.999, noNaN: true }),
    fc.integer({ min: 1, max: 30 }),
    (random, failures) => {
      const fixture = new Fixture(random);
      let now = 0;
      fixture.link.start(now);
      for (let i = 1; i <= failures; i++) {
        fixture.link.lost(now, 1006, "");
        const { retryInMs = -1 } = fixture.states.at(-1)!;
        assertEquals(retryInMs, random * Math.min(20_000, 500 * 2 ** Math.min(i, 10)));
        now += retryInMs;
        fixture.link.tick(now);
        assertEquals(fixture.status, "connecting");
      }
    },
  ));
});

Deno.test("only a connection that lasts resets the backoff", () => {
  const short = opened();
  short.link.lost(4_999, 1006, "");
  assertEquals(short.states.at(-1)!.retryInMs, 500);
  const lasting = opened();
  lasting.link.lost(5_000, 1006, "");
  assertEquals(lasting.states.at(-1)!.retryInMs, 250);
});
