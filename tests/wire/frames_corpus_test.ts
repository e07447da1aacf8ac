/**
 * Frames that are too many, too large or never finished, before `hello` and after it: the rows of the
 * corpus that `rfc6455_test.ts` has not. Each ends its own socket with the code that stands in the
 * table, and a healthy client beside it notices nothing.
 */

import { assert, assertEquals } from "@std/assert";
import { ADVERTISED, HTTP, SESSION } from "../../src/limits.ts";
import type { Wire } from "../../src/session/wire.ts";
import { silentSession } from "../support/any_listener.ts";
import { Gateway } from "../support/gateway.ts";
import { encodeFrame, type RawFrame, RawSocket } from "../support/raw_socket.ts";
import {
  besideHealthy,
  bytes,
  flood,
  greeted,
  heartbeat,
  type Listening,
  OPCODE,
  said,
  type Sent,
  wire,
} from "./exchange.ts";
import { withListener } from "./listener.ts";

const shared = Gateway.shared({ WEIR_SOCKETS: "ws" });

const MiB = 1024 * 1024;
const beat: RawFrame = { opcode: OPCODE.text, payload: heartbeat(5) };
const begun: RawFrame = { opcode: OPCODE.text, payload: "{", final: false };
const part = (size: number): RawFrame => ({
  opcode: 0,
  payload: new Uint8Array(size).fill(0x20),
  final: false,
});
const times = (count: number, frame: RawFrame): Uint8Array =>
  wire(Array.from({ length: count }, () => frame));

/** The head of a frame that claims to have so many bytes, and the first few of them. */
function claiming(length: bigint, opcode: number = OPCODE.text): Uint8Array {
  const head = bytes(0x80 | opcode, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0x22);
  new DataView(head.buffer).setBigUint64(2, length);
  return head;
}

type Row = readonly [claim: string, outcome: string, frames: readonly Sent[]];

const lengths: readonly Row[] = [
  ["1 MiB and 1 octet", 2n ** 20n + 1n],
  ["64 MiB", 2n ** 26n],
  ["2^31", 2n ** 31n],
  ["2^32", 2n ** 32n],
  ["2^53-1", 2n ** 53n - 1n],
  ["2^53", 2n ** 53n],
  ["2^63-1", 2n ** 63n - 1n],
  ["2^63", 2n ** 63n],
  ["2^64-1", 2n ** 64n - 1n],
].map(([name, length]) => [`a length of ${name}`, "1009", [claiming(length as bigint)]]);

const rows: readonly Row[] = [
  ...lengths,
  ["a ping that claims 2^63 octets", "1002", [claiming(2n ** 63n, OPCODE.ping)]],
  ["parts that together claim 2^64 octets", "1009", [
    begun,
    part(1),
    claiming(2n ** 63n, 0),
    claiming(2n ** 63n, 0),
  ]],
  ["parts of 1 MiB together, the last of which is one octet more", "1009", [
    begun,
    ...Array.from({ length: 4 }, () => part(MiB / 4)),
  ]],
  ["a message of as many parts as may be", "ok 5, open", [
    { ...begun, payload: "" },
    ...Array.from({ length: HTTP.fragments - 2 }, () => part(0)),
    { opcode: 0, payload: heartbeat(5) },
  ]],
  ["a message of one part more", "1008", [
    { ...begun, payload: "" },
    ...Array.from({ length: HTTP.fragments - 1 }, () => part(0)),
    { opcode: 0, payload: heartbeat(5) },
  ]],
  ["a bit for compression that was not agreed on", "1002", [{ ...beat, reserved: 4 }]],
  ["10,000 pongs that nobody asked for", "ok 5, open", [
    times(10_000, { opcode: OPCODE.pong, payload: "x".repeat(125) }),
    beat,
  ]],
  [
    `${HTTP.pendingPongs} pings at once, all answered`,
    `${'pong "", '.repeat(HTTP.pendingPongs)}open`,
    [
      times(HTTP.pendingPongs, { opcode: OPCODE.ping }),
    ],
  ],
  ["1,000 text messages of nothing", `${"invalid_frame, ".repeat(101)}4502`, [
    times(1_000, { opcode: OPCODE.text }),
  ]],
];

for (const [claim, outcome, frames] of rows) {
  Deno.test(`frames: ${claim}: ${outcome.slice(-40)}`, async () => {
    await besideHealthy(shared.gateway, async () => {
      using socket = await greeted(shared.gateway);
      const found = await said(socket, frames, { ending: outcome.split(", ").at(-1)! });
      assertEquals(found, outcome);
    });
  });
}

type Flood = readonly [claim: string, codes: readonly number[], chunk: Uint8Array, times: number];

/** What goes on without end. 1006: the connection is cut, and no close frame can be waited for. */
const floods: readonly Flood[] = [
  ["a million parts of nothing", [1008], times(1_000, part(0)), 1_000],
  ["400 unfinished parts of 1 MiB", [1009], encodeFrame(part(MiB)), 400],
  ["a million parts of one octet", [1008], times(1_000, part(1)), 1_000],
  [
    "a million pings whose pongs nobody waits for",
    [1006],
    times(1_000, { opcode: OPCODE.ping }),
    1_000,
  ],
];

for (const [claim, codes, chunk, count] of floods) {
  Deno.test(`frames: ${claim}: ${codes}`, async () => {
    await besideHealthy(shared.gateway, async () => {
      using socket = await greeted(shared.gateway);
      await socket.send(begun);
      const code = await flood(socket, chunk, count);
      assert(codes.includes(code), `closed with ${code}`);
    });
  });
}

/** Nobody knows whose these are: they may not have the gateway keep more than a few `hello`s take. */
const early: readonly Flood[] = [
  ["a part of 8 MiB without end", [1009], encodeFrame(part(8 * MiB)), 1],
  ["unfinished parts of 1 KiB", [1009], encodeFrame(part(1_024)), 4_000],
  ["a million parts of nothing", [1008, 1009], times(1_000, part(0)), 1_000],
  [
    "pongs without end",
    [1009],
    times(100, { opcode: OPCODE.pong, payload: "x".repeat(125) }),
    1_000,
  ],
  ["a million pings", [1006], times(1_000, { opcode: OPCODE.ping }), 1_000],
];

for (const [claim, codes, chunk, count] of early) {
  Deno.test(`frames before hello: ${claim}: ${codes}`, async () => {
    await besideHealthy(shared.gateway, async () => {
      using socket = await RawSocket.open(shared.gateway);
      await socket.send(begun);
      const code = await flood(socket, chunk, count);
      assert(codes.includes(code), `closed with ${code}`);
    });
  });
}

Deno.test("frames before hello: one that claims 1 MiB is cut off at 64 KiB: 1009", async () => {
  await besideHealthy(shared.gateway, async () => {
    using socket = await RawSocket.open(shared.gateway);
    await socket.write(claiming(BigInt(ADVERTISED.messageBytes)));
    // It closes though far from all that was claimed has come.
    await socket.write(new Uint8Array(SESSION.helloBytes));
    assertEquals(await socket.closeCode(), 1009);
  });
});

Deno.test("frames: a megabyte right behind hello is welcome", async () => {
  using socket = await RawSocket.open(shared.gateway);
  const large = { opcode: OPCODE.text, payload: heartbeat(5).padEnd(ADVERTISED.messageBytes) };
  const found = await said(socket, [
    { opcode: OPCODE.text, payload: `{"type":"hello","id":1}` },
    large,
  ], {
    ending: "open",
  });
  assertEquals(found, "ok 1, ok 5, open");
});

Deno.test("frames: connections that are reset in the middle of a frame are no matter", async () => {
  await besideHealthy(shared.gateway, async () => {
    for (let cut = 1; cut < 20; cut++) {
      const socket = await greeted(shared.gateway);
      await socket.send(beat);
      await socket.write(encodeFrame(beat).slice(0, cut));
      // What it was sent and has not read makes a reset of its end.
      socket.close();
    }
  });
});

/** Whatever its sockets say, they are told goodbye; `ended` resolves when one is gone. */
async function sayingGoodbye(run: (listening: Listening, ended: Promise<void>) => Promise<void>) {
  const { promise: ended, resolve: closed } = Promise.withResolvers<void>();
  const connect = (wire: Wire) =>
    silentSession({ receive: () => wire.close(4001, "draining"), closed });
  await withListener({ closeMs: 200, connect }, (listening) => run(listening, ended));
}

Deno.test("frames: a peer that never answers a close is cut off: 4001", async () => {
  await sayingGoodbye(async (listening, ended) => {
    using socket = await RawSocket.open(listening);
    await socket.send(beat);
    assertEquals(await socket.closeCode(), 4001);
    assertEquals(await socket.next(), undefined);
    await ended;
  });
});

Deno.test("frames: so is one that sends on and on instead: 4001", async () => {
  await sayingGoodbye(async (listening, ended) => {
    using socket = await RawSocket.open(listening);
    await socket.send(beat);
    assertEquals(await socket.closeCode(), 4001);
    assertEquals(await flood(socket, encodeFrame(beat), Infinity), 1006);
    await ended;
  });
});
