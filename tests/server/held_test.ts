/** Messages that wait for a session: in order, one at a time, and up to a limit. */

import { assertEquals } from "@std/assert";
import { ADVERTISED, HTTP } from "../../src/limits.ts";
import { Held } from "../../src/server/held.ts";

/** A session that is congested after each message, until a test says otherwise. */
function fixture() {
  const got: number[] = [];
  const closed: number[] = [];
  const session = {
    congested: false,
    greeted: true,
    countRaw: () => true,
    writable() {},
    closed() {},
    receive(message: Uint8Array) {
      got.push(message[0] ?? NaN);
      session.congested = true;
    },
  };
  const held = new Held(session, (code) => closed.push(code));
  return { got, closed, session, held };
}

const whole = (number: number) => new Uint8Array(ADVERTISED.messageBytes).fill(number);

Deno.test("messages behind one that congests the session wait until it is not congested", () => {
  const { got, session, held } = fixture();
  for (const number of [1, 2, 3]) held.take(new Uint8Array([number]));
  assertEquals([got, held.isEmpty], [[1], false]);
  session.congested = false;
  held.take(new Uint8Array([4]));
  held.handOver();
  assertEquals(got, [1, 2]);
  for (let i = 0; i < 2; i++) {
    session.congested = false;
    held.handOver();
  }
  assertEquals([got, held.isEmpty], [[1, 2, 3, 4], true]);
});

Deno.test("a session gets no other message in the middle of one, whatever it does", () => {
  const { got, session, held } = fixture();
  const order: string[] = [];
  session.receive = (message) => {
    order.push(`begin ${message[0]}`);
    held.handOver();
    order.push(`end ${message[0]}`);
  };
  session.congested = true;
  for (const number of [1, 2]) held.take(new Uint8Array([number]));
  session.congested = false;
  held.handOver();
  assertEquals([order, got], [["begin 1", "end 1", "begin 2", "end 2"], []]);
});

Deno.test("more waiting bytes than the limit close the socket, and are dropped", () => {
  const { closed, session, held } = fixture();
  session.congested = true;
  // The overhead of each message counts, too.
  for (let i = 1; i < HTTP.heldBytes / ADVERTISED.messageBytes; i++) held.take(whole(i));
  assertEquals(closed, []);
  held.take(whole(0));
  assertEquals([closed, held.isEmpty], [[4002], true]);
});

Deno.test("when its socket closes, a session gets what was received, even if it is congested", () => {
  const { got, session, held } = fixture();
  session.congested = true;
  for (const number of [1, 2, 3]) held.take(new Uint8Array([number]));
  held.handOverAll();
  assertEquals([got, held.isEmpty], [[1, 2, 3], true]);
});

Deno.test("a message that is too big closes its socket, whether others wait or not", () => {
  const { closed, got, held } = fixture();
  held.take(new Uint8Array(ADVERTISED.messageBytes + 1));
  assertEquals([closed, got], [[1009], []]);
});
