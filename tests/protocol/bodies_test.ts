import { assertEquals, assertThrows } from "@std/assert";
import { GatewayError } from "../../src/errors.ts";
import {
  decodeOffsets,
  decodeProducer,
  decodeRecords,
  decodeTopic,
} from "../../src/protocol/bodies.ts";

const encode = (body: unknown) =>
  new TextEncoder().encode(typeof body === "string" ? body : JSON.stringify(body));

type Decode = (bytes: Uint8Array) => unknown;

const taken: [claim: string, decode: Decode, body: unknown][] = [
  ["a topic of one partition", decodeTopic, { partitions: 1 }],
  ["a topic with bounds", decodeTopic, {
    partitions: 1_024,
    retentionMs: 60_000,
    retentionBytes: 2 ** 53 - 1,
  }],
  ["a producer without a name", decodeProducer, {}],
  ["a producer with a name", decodeProducer, { name: "driver 7" }],
  ["offsets for a group", decodeOffsets, { offsets: [{ topic: "gps", partition: 0, offset: 5 }] }],
  ["topics to their ends", decodeOffsets, { topics: ["gps"], to: "earliest" }],
  ["topics to a time", decodeOffsets, { topics: ["gps", "fares"], to: { timestamp: 0 } }],
];

for (const [claim, decode, body] of taken) {
  Deno.test(`a body may be ${claim}`, () => assertEquals(decode(encode(body)), body));
}

Deno.test("a producer's body may be empty", () => assertEquals(decodeProducer(encode("")), {}));

Deno.test("members that no body has are dropped", () => {
  assertEquals(decodeTopic(encode({ partitions: 1, replicas: 3 })), { partitions: 1 });
});

const refused: [claim: string, decode: Decode, body: unknown, names: string][] = [
  ["an empty topic", decodeTopic, "", "JSON"],
  ["an array", decodeTopic, [{ partitions: 1 }], "object"],
  ["a null", decodeProducer, null, "object"],
  ["an array for a producer", decodeProducer, [], "object"],
  ["two documents", decodeTopic, '{"partitions":1}{"partitions":1}', "JSON"],
  ["a byte order mark", decodeTopic, '\ufeff{"partitions":1}', "JSON"],
  [
    "brackets too deep",
    decodeTopic,
    `{"partitions":1,"x":${"[".repeat(64)}${"]".repeat(64)}}`,
    "64",
  ],
  ["a topic without partitions", decodeTopic, {}, "partitions"],
  ["a topic of no partitions", decodeTopic, { partitions: 0 }, "partitions"],
  ["a topic of 1,025 partitions", decodeTopic, { partitions: 1_025 }, "partitions"],
  ["partitions as text", decodeTopic, { partitions: "8" }, "partitions"],
  ["retention of no time", decodeTopic, { partitions: 1, retentionMs: 0 }, "retentionMs"],
  [
    "retention of half a byte",
    decodeTopic,
    { partitions: 1, retentionBytes: 0.5 },
    "retentionBytes",
  ],
  ["retention of null", decodeTopic, { partitions: 1, retentionMs: null }, "retentionMs"],
  ["a producer with an empty name", decodeProducer, { name: "" }, "name"],
  ["neither offsets nor topics", decodeOffsets, {}, "offsets"],
  [
    "an offset below 0",
    decodeOffsets,
    { offsets: [{ topic: "a", partition: 0, offset: -1 }] },
    "offsets[0].offset",
  ],
  ["a partition twice", decodeOffsets, {
    offsets: [5, 6].map((offset) => ({ topic: "a", partition: 0, offset })),
  }, "offsets"],
  [
    "both offsets and topics",
    decodeOffsets,
    { offsets: [{ topic: "a", partition: 0, offset: 5 }], topics: ["a"], to: "latest" },
    "offsets must not stand beside topics",
  ],
  [
    "topics that are none",
    decodeOffsets,
    { topics: [], to: "latest" },
    "topics must be an array of at least 1",
  ],
  ["topics to nowhere", decodeOffsets, { topics: ["a"] }, "{timestamp}"],
  ["topics to some word", decodeOffsets, { topics: ["a"], to: "now" }, "to must be"],
  [
    "topics to a time before 1970",
    decodeOffsets,
    { topics: ["a"], to: { timestamp: -1 } },
    "to must be",
  ],
  ["no records", decodeRecords, {}, "records"],
  ["records that are none", decodeRecords, { records: [] }, "records"],
  ["a record without a value", decodeRecords, { records: [{ value: 1 }, {}] }, "records[1].value"],
  [
    "half a stamp",
    decodeRecords,
    { records: [{ value: 1 }], producer: { id: "p" } },
    "producer.epoch",
  ],
];

for (const [claim, decode, body, names] of refused) {
  Deno.test(`a body must not be ${claim}`, () => {
    const error = assertThrows(() => decode(encode(body)), GatewayError, names);
    assertEquals(error.code, "invalid_frame");
  });
}

Deno.test("the records of a body are spans of it", () => {
  const bytes = encode(
    '{"producer":{"id":"p","epoch":1,"sequence":0},"records":[{"value": 1.50 }]}',
  );
  const { records, producer } = decodeRecords(bytes);
  assertEquals(producer, { id: "p", epoch: 1, sequence: 0 });
  const [{ source, from, to } = { source: bytes, from: 0, to: 0 }] = records;
  assertEquals(source === bytes, true);
  assertEquals(new TextDecoder().decode(bytes.subarray(from, to)), "1.50");
});

Deno.test("records over the limits have a code of their own, as on a socket", () => {
  const code = (records: unknown[]) =>
    assertThrows(() => decodeRecords(encode({ records })), GatewayError).code;
  assertEquals(code([{ value: "x".repeat(262_143) }]), "record_too_large");
  assertEquals(code(Array(1_001).fill({ value: 1 })), "batch_too_large");
});
