import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import fc from "fast-check";
import { SESSION } from "../../src/limits.ts";
import type { Frame } from "../../src/session/message_builder.ts";
import { Outbox } from "../../src/session/outbox.ts";
import { Turn } from "../../src/session/turn.ts";
import type { Wire } from "../../src/session/wire.ts";
import { settled } from "../support/test_host.ts";

class FakeWire implements Wire {
  readonly sent: (string | Uint8Array)[] = [];
  canPause = false;
  buffered = 0;
  send(message: string | Uint8Array): void {
    this.sent.push(message);
  }
  close(): void {}
  terminate(): void {}
  reconsider(): void {}
}

function fixture(turn = new Turn()) {
  const wire = new FakeWire();
  return { wire, outbox: new Outbox(wire, turn) };
}

const utf8 = new TextEncoder();
const text = new TextDecoder();

function parsed(message: string | Uint8Array): unknown {
  return JSON.parse(typeof message === "string" ? message : text.decode(message));
}

Deno.test("a frame that is alone in its turn is sent as it is", async () => {
  const { wire, outbox } = fixture();
  const frame = utf8.encode('{"type":"records"}');
  outbox.push(frame);
  await settled();
  assertStrictEquals(wire.sent[0], frame);
});

Deno.test("all that a turn has leaves in messages of at most 64 frames, in order", async () => {
  const frames = fc.array(fc.tuple(fc.nat(1_000), fc.boolean()), {
    minLength: 1,
    maxLength: 300,
    size: "max",
  });
  await fc.assert(
    fc.asyncProperty(frames, async (given) => {
      const { wire, outbox } = fixture();
      for (const [number, asBytes] of given) {
        const frame = `{"number":${number}}`;
        outbox.push(asBytes ? utf8.encode(frame) : frame);
      }
      await settled();
      const messages = wire.sent.map(parsed);
      assertEquals(messages.flat(), given.map(([number]) => ({ number })));
      for (const message of messages) {
        if (Array.isArray(message)) assert(message.length <= SESSION.framesPerMessage);
      }
      assertEquals(messages.length, Math.ceil(given.length / SESSION.framesPerMessage));
    }),
    { numRuns: 200 },
  );
});

Deno.test("what several are sent in a turn is joined once, and what is sent otherwise is not", async () => {
  const turn = new Turn();
  const followers = Array.from({ length: 3 }, () => fixture(turn));
  const other = fixture(turn);
  const frames = [utf8.encode('{"number":1}'), utf8.encode('{"number":2}')];
  const both = [{ number: 1 }, { number: 2 }];
  const push = () => {
    for (const frame of frames) {
      for (const { outbox } of followers) outbox.push(frame);
    }
  };
  push();
  other.outbox.push(frames[0] as Frame);
  other.outbox.push('{"number":3}');
  await settled();
  push();
  await settled();
  for (const { wire } of followers) {
    assertEquals(wire.sent.map(parsed), [both, both]);
    assertStrictEquals(wire.sent[0], followers[0]?.wire.sent[0]);
  }
  assertEquals(other.wire.sent.map(parsed), [[{ number: 1 }, { number: 3 }]]);
  const [first, second] = followers[0]?.wire.sent ?? [];
  assert(first !== second, "no message outlives its turn here");
});

Deno.test("large frames leave in messages of their own", async () => {
  const { wire, outbox } = fixture();
  const large: Frame = JSON.stringify("x".repeat(200 * 1_024));
  for (let i = 0; i < 3; i++) outbox.push(large);
  await settled();
  assertEquals(wire.sent.length, 3);
});

Deno.test("it is full by what waits here and by what the network has not taken", () => {
  const { wire, outbox } = fixture();
  assertEquals(outbox.full, false);
  outbox.push("x".repeat(SESSION.outboxBytes));
  assertEquals(outbox.full, false);
  outbox.push("x");
  assertEquals(outbox.full, true);
  outbox.flush();
  assertEquals(outbox.full, false);
  outbox.push("x");
  wire.buffered = SESSION.outboxBytes;
  assertEquals(outbox.full, true);
  wire.buffered = 0;
  assertEquals(outbox.full, false);
});

Deno.test("a client that does not read for ten seconds is stuck, one that reads slowly is not", () => {
  const { wire, outbox } = fixture();
  outbox.push("x");
  wire.buffered = SESSION.outboxBytes;
  assertEquals(outbox.stuck(1_000), false);
  assertEquals(outbox.stuck(1_000 + SESSION.outboxFullMs - 1), false);
  wire.buffered = 0;
  assertEquals(outbox.full, false);
  wire.buffered = SESSION.outboxBytes;
  assertEquals(outbox.stuck(20_000), false, "it has read in between");
  assertEquals(outbox.stuck(20_000 + SESSION.outboxFullMs), true);
});
