/**
 * Bad input below the protocol: WebSocket frames that no browser sends. They end their socket
 * alone.
 */

import { assertEquals } from "@std/assert";
import { Client } from "../support/client.ts";
import { Gateway, sockets } from "../support/gateway.ts";
import { makeTopic } from "../support/http.ts";
import { closing, encodeFrame, OPCODE, type RawFrame, RawSocket } from "../support/raw_socket.ts";

const shared = Gateway.shared();

/** The platform's own sockets accept some of these, or close without a code: see the README. */
const hasCodes = sockets === "ws";

const hello = `{"type":"hello","id":1}`;
const bytes = (...all: number[]) => new Uint8Array(all);
const decode = (payload: Uint8Array) => new TextDecoder().decode(payload);

const refused: readonly [what: string, code: number, frames: readonly RawFrame[]][] = [
  ["without a mask", 1002, [{ opcode: OPCODE.text, payload: hello, masked: false }]],
  ["with a reserved bit", 1002, [{ opcode: OPCODE.text, payload: hello, reserved: 4 }]],
  ["with an unknown opcode", 1002, [{ opcode: 3, payload: hello }]],
  ["with an unknown control opcode", 1002, [{ opcode: 11 }]],
  ["that go on with nothing begun", 1002, [{ opcode: 0, payload: hello }]],
  ["that begin anew inside a message", 1002, [
    { opcode: OPCODE.text, payload: "{", final: false },
    { opcode: OPCODE.text, payload: "}" },
  ]],
  ["of control in fragments", 1002, [{ opcode: OPCODE.ping, final: false }]],
  ["of control that are too long", 1002, [{ opcode: OPCODE.ping, payload: "x".repeat(126) }]],
  ["with bytes that are not UTF-8", 1007, [{
    opcode: OPCODE.text,
    payload: bytes(0x22, 0xff, 0x22),
  }]],
  ["with overlong UTF-8", 1007, [{ opcode: OPCODE.text, payload: bytes(0xc0, 0xaf) }]],
  ["with a surrogate in UTF-8", 1007, [{ opcode: OPCODE.text, payload: bytes(0xed, 0xa0, 0x80) }]],
  ["of close with one byte", 1002, [{ opcode: OPCODE.close, payload: bytes(3) }]],
  ["of close with a code that is none", 1002, [{ opcode: OPCODE.close, payload: closing(1005) }]],
];

Deno.test("frames that WebSocket forbids close their socket with 1002 or 1007, and no other", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  await using witness = await Client.open(shared.gateway);
  for (const [what, code, frames] of refused) {
    using socket = await RawSocket.open(shared.gateway);
    await socket.sendTexts(hello);
    await socket.next();
    await socket.send(...frames);
    if (hasCodes) assertEquals(await socket.closeCode(), code, `frames ${what}`);
    await witness.publish(topic, [{ value: what }]);
  }
});

Deno.test("a length beyond limits.messageBytes closes with 1009 before its payload has come", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  await using witness = await Client.open(shared.gateway);
  for (const length of [2n ** 20n + 1n, 2n ** 31n, 2n ** 53n - 1n]) {
    using socket = await RawSocket.open(shared.gateway);
    await socket.sendTexts(hello);
    await socket.next();
    const head = encodeFrame({ opcode: OPCODE.text, payload: new Uint8Array(70_000) }).slice(0, 14);
    new DataView(head.buffer).setBigUint64(2, length);
    await socket.write(head);
    if (hasCodes) assertEquals(await socket.closeCode(), 1009, `${length}`);
    await witness.publish(topic, [{ value: String(length) }]);
  }
});

Deno.test("a message in fragments, with a ping between them, is one message", async () => {
  using socket = await RawSocket.open(shared.gateway);
  await socket.send(
    { opcode: OPCODE.text, payload: hello.slice(0, 9), final: false },
    { opcode: OPCODE.ping, payload: "are you there" },
    { opcode: 0, payload: hello.slice(9) },
  );
  const answers = [await socket.next(), await socket.next()];
  const pong = answers.find((answer) => answer?.opcode === OPCODE.pong);
  const welcome = answers.find((answer) => answer?.opcode === OPCODE.text);
  assertEquals(decode(pong!.payload), "are you there");
  assertEquals(JSON.parse(decode(welcome!.payload)).type, "ok");
});

Deno.test("a connection that breaks in the middle of a frame does no harm", async () => {
  await using witness = await Client.open(shared.gateway);
  for (let round = 0; round < 20; round++) {
    const socket = await RawSocket.open(shared.gateway);
    await socket.write(encodeFrame({ opcode: OPCODE.text, payload: hello }).slice(0, round));
    socket.close();
  }
  await witness.beat();
});
