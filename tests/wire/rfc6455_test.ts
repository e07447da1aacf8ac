/**
 * RFC 6455 case by case, in the manner and order of the Autobahn test suite (its sections 1 to 7), on
 * a session: where that suite wants an echo, here a `heartbeat` with an id is answered. A row says
 * which frames are sent and what comes back: pongs, replies, and how it ends, which is `open` or the
 * code of the close frame. Each runs twice: in one write, and octet by octet, since where the network
 * cuts a stream must change nothing.
 */

import { assertEquals } from "@std/assert";
import { Gateway } from "../support/gateway.ts";
import {
  besideHealthy,
  bytes,
  closing,
  greeted,
  heartbeat,
  OPCODE,
  said,
  type Sent,
  wire,
} from "./exchange.ts";

const shared = Gateway.shared({ WEIR_SOCKETS: "ws" });

type Row = readonly [claim: string, outcome: string, frames: readonly Sent[]];

const { text: TEXT, binary: BINARY, ping: PING, pong: PONG, close: CLOSE } = OPCODE;
/** Longer ones are not sent octet by octet. */
const choppedBytes = 400;

const encoder = new TextEncoder();
const more = { final: false } as const;
const text = (payload: string | Uint8Array) => ({ opcode: TEXT, payload });
const go = (payload: string | Uint8Array) => ({ opcode: 0, payload });
const ping = (payload: string | Uint8Array = "") => ({ opcode: PING, payload });
const pong = (payload: string | Uint8Array = "") => ({ opcode: PONG, payload });
const close = (payload?: string | Uint8Array) => ({ opcode: CLOSE, ...payload && { payload } });
const beat = text(heartbeat(5));

/** A heartbeat of exactly so many octets. */
const sized = (size: number) => text(heartbeat(5).padEnd(size));
/** A heartbeat with these octets in a string of it. */
const holding = (...octets: number[]) =>
  wire([encoder.encode(`{"type":"heartbeat","id":5,"x":"`), bytes(...octets), bytes(0x22, 0x7d)]);
const utf8 = (characters: string) => holding(...encoder.encode(characters));

/** The same message as one frame for each octet. */
function octets(payload: Uint8Array): Sent[] {
  return Array.from(payload, (octet, at) => ({
    opcode: at === 0 ? TEXT : 0,
    payload: bytes(octet),
    final: at === payload.length - 1,
  }));
}

const framing: readonly Row[] = [
  ...[25, 125, 126, 127, 128, 65_535, 65_536, 65_537, 1_048_576].map((size): Row => [
    `a text of ${size} octets is read`,
    "ok 5, open",
    [sized(size)],
  ]),
  ["a text of no octets is no frame", "invalid_frame, open", [text("")]],
  ...[0, 125, 126, 65_536].map((size): Row => [
    `a binary message of ${size} octets is refused`,
    "1003",
    [{ opcode: BINARY, payload: new Uint8Array(size) }],
  ]),
  ["a length written in more octets than it needs is read", "ok 5, open", [
    bytes(0x81, 0xfe, 0, heartbeat(5).length, 0, 0, 0, 0),
    encoder.encode(heartbeat(5)),
  ]],
  ["a length written in eight octets of which seven are 0 is read", "ok 5, open", [
    bytes(0x81, 0xff, 0, 0, 0, 0, 0, 0, 0, heartbeat(5).length, 0, 0, 0, 0),
    encoder.encode(heartbeat(5)),
  ]],
  ["a mask that changes every octet is taken off", "ok 5, open", [masked(heartbeat(5))]],
  ["a message without a mask is refused", "1002", [{ ...beat, masked: false }]],
  ["a ping without a mask is refused", "1002", [{ ...ping("x"), masked: false }]],
  ["a close without a mask is refused", "1002", [{ ...close(closing(1000)), masked: false }]],
];

const pings: readonly Row[] = [
  ["a ping of nothing gets a pong of nothing", 'pong "", open', [ping()]],
  ["a ping gets its payload back", 'pong "Hello, world!", open', [ping("Hello, world!")]],
  ["so it does where that is no text", "pong 00fffefdfc00ff, open", [
    ping(bytes(0x00, 0xff, 0xfe, 0xfd, 0xfc, 0x00, 0xff)),
  ]],
  ["a ping of 125 octets gets a pong", "pong 125 octets, open", [ping("x".repeat(125))]],
  ["a ping of 126 octets is refused", "1002", [ping("x".repeat(126))]],
  ["a pong of 126 octets is refused", "1002", [pong("x".repeat(126))]],
  ["a pong that nobody asked for is nothing", "open", [pong()]],
  ["nor is one with a payload", "open", [pong("unsolicited")]],
  ["a ping behind such a pong gets its own", 'pong "ping", open', [pong("pong"), ping("ping")]],
  [
    "ten pings get ten pongs, in order",
    [..."0123456789"].map((digit) => `pong "${digit}", `).join("") + "open",
    [..."0123456789"].map((digit) => ping(digit)),
  ],
];

const reserved: readonly Row[] = [
  ...[1, 2, 3, 4, 5, 6, 7].flatMap((bits): Row[] => [
    [`text with the reserved bits ${bits}`, "1002", [{ ...beat, reserved: bits }]],
    [`a ping with the reserved bits ${bits}`, "1002", [{ ...ping("x"), reserved: bits }]],
    [`a close with the reserved bits ${bits}`, "1002", [
      { ...close(closing(1000)), reserved: bits },
    ]],
  ]),
  ["what came before reserved bits is answered, and nothing behind", 'pong "1", ok 5, 1002', [
    beat,
    ping("1"),
    { ...text(heartbeat(6)), reserved: 4 },
    ping("2"),
  ]],
];

const opcodes: readonly Row[] = [3, 4, 5, 6, 7, 11, 12, 13, 14, 15].flatMap((opcode): Row[] => [
  [`opcode ${opcode}`, "1002", [{ opcode }]],
  [`opcode ${opcode} with a payload, behind a message`, 'pong "1", ok 5, 1002', [
    beat,
    ping("1"),
    { opcode, payload: "Hello" },
    ping("2"),
  ]],
]);

const fragments: readonly Row[] = [
  ["a message in two frames is one", "ok 5, open", [
    { ...text(`{"type":"heart`), ...more },
    go(`beat","id":5}`),
  ]],
  [
    "a message in a frame for each octet is one",
    "ok 5, open",
    octets(encoder.encode(heartbeat(5))),
  ],
  ["pings between frames are answered before it", 'pong "a", pong "b", ok 5, open', [
    { ...text(`{"type":"heart`), ...more },
    ping("a"),
    { ...go(`beat",`), ...more },
    ping("b"),
    go(`"id":5}`),
  ]],
  ["frames of nothing before, in and behind it change nothing", "ok 5, open", [
    { ...text(""), ...more },
    { ...go(heartbeat(5)), ...more },
    { ...go(""), ...more },
    go(""),
  ]],
  ["a message of nothing in three frames is no frame", "invalid_frame, open", [
    { ...text(""), ...more },
    { ...go(""), ...more },
    go(""),
  ]],
  ["a ping in fragments", "1002", [{ ...ping("x"), ...more }, go("y")]],
  ["a pong in fragments", "1002", [{ ...pong("x"), ...more }, go("y")]],
  ["a close in fragments", "1002", [{ ...close(closing(1000)), ...more }, go("y")]],
  ["a last frame with nothing begun", "1002", [go("x"), beat]],
  ["a frame in the middle with nothing begun", "1002", [{ ...go("x"), ...more }, beat]],
  ["a last frame behind a whole message", "ok 5, 1002", [beat, go("x")]],
  ["a whole message inside of another", "1002", [{ ...text("{"), ...more }, beat]],
  ["a message begun inside of another", "1002", [
    { ...text("{"), ...more },
    { ...text("{"), ...more },
  ]],
  ["a binary message inside of a text", "1002", [
    { ...text("{"), ...more },
    { opcode: BINARY, payload: "}" },
  ]],
  ["a binary message in two frames", "1003", [
    { opcode: BINARY, payload: "x", ...more },
    go("y"),
  ]],
];

const goodUtf8: readonly [claim: string, characters: string][] = [
  ["Greek", "κόσμε"],
  ["the first of one octet that JSON takes", "\u0020"],
  ["the last of one octet", "\u007f"],
  ["the first of two octets", "\u0080"],
  ["the last of two octets", "\u07ff"],
  ["the first of three octets", "\u0800"],
  ["the last before the surrogates", "\ud7ff"],
  ["the first behind the surrogates", "\ue000"],
  ["the last of three octets, no character", "\uffff"],
  ["the first of four octets", "\u{10000}"],
  ["the last of all", "\u{10ffff}"],
  ["no characters", "\ufffe\u{1fffe}\u{1ffff}\u{10fffe}"],
  ["the replacement character", "\ufffd"],
  ["a byte order mark inside", "\ufeff"],
];

const badUtf8: readonly [claim: string, octets: readonly number[]][] = [
  ["above the last of all", [0xf4, 0x90, 0x80, 0x80]],
  ["five octets", [0xf8, 0x88, 0x80, 0x80, 0x80]],
  ["six octets", [0xfc, 0x84, 0x80, 0x80, 0x80, 0x80]],
  ["one that goes on from nothing", [0x80]],
  ["seven that go on from nothing", [0x80, 0xbf, 0x80, 0xbf, 0x80, 0xbf, 0x80]],
  ["a first of two alone", [0xc3, 0x20]],
  ["a first of three alone", [0xe2, 0x20]],
  ["two of three", [0xe2, 0x82]],
  ["a first of four alone", [0xf0, 0x20]],
  ["three of four", [0xf0, 0x9f, 0x9a]],
  ["0xfe", [0xfe]],
  ["0xff", [0xff]],
  ["a slash in two octets", [0xc0, 0xaf]],
  ["a slash in three octets", [0xe0, 0x80, 0xaf]],
  ["a slash in four octets", [0xf0, 0x80, 0x80, 0xaf]],
  ["the longest of two that is too long", [0xc1, 0xbf]],
  ["the longest of three that is too long", [0xe0, 0x9f, 0xbf]],
  ["the longest of four that is too long", [0xf0, 0x8f, 0xbf, 0xbf]],
  ["NUL in two octets", [0xc0, 0x80]],
  ["the first surrogate", [0xed, 0xa0, 0x80]],
  ["the last surrogate", [0xed, 0xbf, 0xbf]],
  ["a pair of surrogates", [0xed, 0xa0, 0x80, 0xed, 0xb0, 0x80]],
];

const encoding: readonly Row[] = [
  ...goodUtf8.flatMap(([claim, characters]): Row[] => [
    [`${claim} is taken`, "ok 5, open", [text(utf8(characters))]],
    [`${claim} is taken across frames`, "ok 5, open", octets(utf8(characters))],
  ]),
  ...badUtf8.flatMap(([claim, octetsOf]): Row[] => [
    [`${claim} is refused`, "1007", [text(holding(...octetsOf)), beat]],
    [`${claim} is refused across frames`, "1007", [...octets(holding(...octetsOf)), beat]],
  ]),
  ["a character cut off by the end of its message is refused", "1007", [text(bytes(0x22, 0xe2))]],
  ["a text of binary octets in a binary message is refused as binary", "1003", [
    { opcode: BINARY, payload: bytes(0xff, 0xfe) },
  ]],
];

const validCodes = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014];
const applicationCodes = [3000, 3999, 4000, 4001, 4502, 4999];
const invalidCodes = [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535];

const closings: readonly Row[] = [
  ["a close with a code is answered by one with it", "1000", [close(closing(1000))]],
  ["a close of nothing is answered by one of nothing", "no code", [close()]],
  ["two closes are answered once", "1000", [close(closing(1000)), close(closing(1001))]],
  ["a message behind a close is not read", "1000", [close(closing(1000)), beat]],
  ["a ping behind a close gets no pong", "1000", [close(closing(1000)), ping("x")]],
  ["what is wrong behind a close does not matter", "1000", [close(closing(1000)), bytes(0xff, 0)]],
  ["a close inside a message ends it unread", "1000", [
    { ...text(`{"type":"heart`), ...more },
    close(closing(1000)),
    go(`beat","id":5}`),
  ]],
  ["a reason of 123 octets", "1000", [close(closing(1000, "x".repeat(123)))]],
  ["a reason of 124 octets", "1002", [close(closing(1000, "x".repeat(124)))]],
  ["a reason that is no UTF-8", "1007", [
    close(wire([closing(1000), bytes(0xce, 0xba, 0xed, 0xa0)])),
  ]],
  ["a close of one octet", "1002", [close(bytes(3))]],
  ...[...validCodes, ...applicationCodes].map((code): Row => [
    `code ${code} is given back`,
    String(code),
    [close(closing(code))],
  ]),
  ...invalidCodes.flatMap((code): Row[] => [
    [`code ${code} is none`, "1002", [close(closing(code))]],
    [`code ${code} with a reason is none`, "1002", [close(closing(code, "because"))]],
  ]),
];

/** A text frame with a mask of four different octets. */
function masked(payload: string): Uint8Array {
  const mask = [0x37, 0xfa, 0x21, 0x3d];
  const hidden = encoder.encode(payload).map((octet, at) => octet ^ mask[at % 4]!);
  return wire([bytes(0x81, 0x80 | hidden.length, ...mask), hidden]);
}

const sections = { framing, pings, reserved, opcodes, fragments, encoding, closings };

for (const [section, rows] of Object.entries(sections)) {
  for (const [claim, outcome, frames] of rows) {
    Deno.test(`RFC 6455, ${section}: ${claim}: ${outcome}`, async () => {
      const ending = outcome.slice(outcome.lastIndexOf(" ") + 1);
      const manners = wire(frames).length > choppedBytes ? [false] : [false, true];
      await besideHealthy(shared.gateway, async () => {
        for (const chopped of manners) {
          using socket = await greeted(shared.gateway);
          const found = await said(socket, frames, { chopped, ending });
          assertEquals(found, outcome, chopped ? "octet by octet" : "in one write");
        }
      });
    });
  }
}
