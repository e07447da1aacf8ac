/**
 * Bad input, as a table: what is sent, and what the page says comes back. Each row has a connection
 * of its own; after each a witness, connected all the while, still publishes and reads on the same
 * gateway. A valid neighbour stands beside most rows: a gateway that refuses everything is no
 * better.
 */

import { assert, assertEquals } from "@std/assert";
import { Client } from "../support/client.ts";
import { Gateway } from "../support/gateway.ts";
import { call, fresh, makeTopic } from "../support/http.ts";

const shared = Gateway.shared();

/** Text sent as one message → `ok`, or the code of the error; under the id 5, or under none. */
type Row = readonly [text: string, answer: string, under?: "id" | "no id"];

/** A client that behaves well while others do not. */
class Witness {
  readonly #client: Client;
  readonly #topic: string;
  readonly #subscription: number;
  #count = 0;

  private constructor(client: Client, topic: string, subscription: number) {
    this.#client = client;
    this.#topic = topic;
    this.#subscription = subscription;
  }

  static async open(): Promise<Witness> {
    const client = await Client.open(shared.gateway);
    const topic = await makeTopic(shared.gateway, 1);
    const { subscription } = await client.subscribe(topic);
    return new Witness(client, topic, subscription);
  }

  async noticesNothing(): Promise<void> {
    this.#count += 1;
    await this.#client.publish(this.#topic, [{ value: this.#count }]);
    const delivered = await this.#client.records(this.#subscription, this.#count);
    assertEquals(delivered.at(-1)!.value, this.#count);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.noticesNothing();
    await this.#client.close();
  }
}

async function check(rows: readonly Row[]): Promise<void> {
  await using witness = await Witness.open();
  for (const [text, answer, under = answer === "ok" ? "id" : "no id"] of rows) {
    const shown = text.slice(0, 120);
    await using client = await Client.open(shared.gateway);
    client.sendText(text);
    const last = () => client.seen[1];
    const reply = await client.when(last, `${answer} for ${shown}`);
    const found = reply.type === "error" ? reply["code"] : reply.type;
    assertEquals([found, reply.id], [answer, under === "id" ? 5 : undefined], shown);
    await client.beat();
    await witness.noticesNothing();
  }
}

const beat = `{"type":"heartbeat","id":5}`;

Deno.test("JSON: what is not one JSON text is an invalid_frame", async () => {
  const texts = [
    ...["", " ", "\r\n\t", "\0", `${beat}\0`, `\ufeff${beat}`],
    ...["{", `{"type"`, beat.slice(0, -1), "{}}", `${beat} x`, `${beat}${beat}`, `${beat},${beat}`],
    ...["NaN", "undefined", `{"type":"heartbeat","id":NaN}`, `{"type":"heartbeat","id":Infinity}`],
    ...[`{'type':'heartbeat'}`, `{type:"heartbeat"}`, `{"type":"heartbeat",}`, `/**/${beat}`],
    ...[`{"type":"heart\nbeat"}`, `{"type":"\\x68"}`, `{"type":"\\u00"}`, `{"id":05}`, `{"id":+5}`],
    ...[`"${"\\u0041".repeat(100_000)}`, "[".repeat(500_000), `{"a":`.repeat(200_000)],
    ...["]".repeat(1000), `${"[".repeat(500_000)}${"]".repeat(500_000)}`],
  ];
  await check(texts.map((text) => [text, "invalid_frame"]));
});

Deno.test("JSON: what is no object, or has no type, is an invalid_frame", async () => {
  const texts = [
    ...["null", "true", "0", "-1", "1e999", `"heartbeat"`, "[]", "[[]]", "[null]", "{}"],
    ...[`{"type":null}`, `{"type":{}}`, `{"type":["heartbeat"]}`, `{"id":5.5,"type":"heartbeat"}`],
    ...[`{"__proto__":{"type":"heartbeat"}}`, `{"constructor":{"type":"heartbeat"}}`],
  ];
  await check(texts.map((text) => [text, "invalid_frame"]));
  await check([[`{"id":5}`, "invalid_frame", "id"], [`{"id":5,"type":7}`, "invalid_frame", "id"]]);
});

Deno.test("JSON: odd but valid frames are taken", async () => {
  const keys = Array.from({ length: 60_000 }, (_, n) => `"key${n}":${n % 10}`).join(",");
  await check([
    [`  {\n"type"\t:\r"heartbeat" , "id" : 5 }  `, "ok"],
    [`[${beat}]`, "ok"],
    [`{"type":"heartbeat","id":5,${keys}}`, "ok"],
    [`{"type":"levitate","type":"heartbeat","id":4,"id":5}`, "ok"],
    [`{"type":"heartbeat","id":5,"__proto__":{"id":6},"constructor":1,"prototype":[]}`, "ok"],
    [`{"\\u0074ype":"heart\\u0062eat","id":5.0e0}`, "ok"],
    [`{"type":"heartbeat","id":5,"deep":${"[".repeat(63)}${"]".repeat(63)}}`, "ok"],
    [`{"type":"heartbeat","id":5,"deep":${"[".repeat(64)}${"]".repeat(64)}}`, "invalid_frame"],
    [`{"type":"heartbeat","id":5,"text":"${"[{".repeat(100)}\\"[["}`, "ok"],
    [`[${`{"type":"heartbeat","id":5,"deep":${"[".repeat(62)}${"]".repeat(62)}}`}]`, "ok"],
    [`{"type":"heartbeat","id":5,"n":${"9".repeat(400)},"big":1e999,"zero":-0}`, "ok"],
    [`{"type":"heartbeat","id":5,"text":"${"\\u0041".repeat(100_000)}"}`, "ok"],
  ]);
});

Deno.test("JSON: invalid ids", async () => {
  const ids = ["9007199254740993", "9".repeat(400), "1e999", "2147483648", "0", "-0", "-5", "5.5"];
  await check(ids.map((id) => [`{"type":"heartbeat","id":${id}}`, "invalid_frame"]));
});

Deno.test("protocol: unknown types, the names of object members among them", async () => {
  const types = [
    "levitate",
    "",
    "__proto__",
    "constructor",
    "toString",
    "hasOwnProperty",
    "Publish",
  ];
  await check(types.map((type) => [JSON.stringify({ type, id: 5 }), "unknown_type", "id"]));
  await check(["ok", "error", "records", "assign", "ping"].map((type) => [
    JSON.stringify({ type, id: 5 }),
    "unknown_type",
    "id",
  ]));
});

const words = [5, true, {}, [], null];
const numbers = ["1", true, {}, [], null, -1, 1.5, 2 ** 53];
const lists = ["x", 5, true, {}, null];
const objects = ["x", 5, true, [], null];

/**
 * Valid frames, with invalid values for each field; `undefined` is one where the field is required.
 */
const frames: readonly [
  frame: Record<string, unknown>,
  fields: Record<string, readonly unknown[]>,
][] = [
  [{ type: "auth", token: "t" }, { token: [...words, undefined] }],
  [{ type: "initProducer", name: "n" }, { name: words }],
  [{ type: "publish", topic: "t", records: [{ value: 1 }] }, {
    topic: [...words, undefined],
    records: [...lists, [], [5], [[]], undefined],
    producer: objects,
  }],
  [{ type: "transact", publish: [{ topic: "t", records: [{ value: 1 }] }] }, {
    publish: [...lists, [5], [{}], undefined],
    commit: objects,
  }],
  [{ type: "subscribe", topic: "t" }, {
    topic: [...words, undefined],
    partitions: [...lists, ["0"], [-1], [2 ** 53]],
    keys: [...lists, [], [5], [null]],
    from: [5, true, [], null, "first", { timestamp: "x" }, { positions: 5, incarnation: "i" }],
    credit: [...objects, { records: "1" }, { records: -1 }, { records: 1, bytes: {} }],
    onSlow: [...words, "stop"],
  }],
  [{ type: "seek", subscription: 1, partitions: [{ topic: "t", partition: 0, offset: 0 }] }, {
    subscription: [...numbers, undefined],
    partitions: [...lists, [5], [{ topic: "t" }], [{ topic: "t", partition: 0, offset: -1 }]],
  }],
  [{ type: "unsubscribe", subscription: 1 }, { subscription: [...numbers, undefined] }],
  [{ type: "join", group: "g", topics: ["t"] }, {
    group: [...words, undefined],
    topics: [...lists, [], [5], undefined],
    instance: words,
    from: [...words, "first", { timestamp: 0 }],
    credit: objects,
    sessionTimeoutMs: [...numbers, 1_000],
    revokeTimeoutMs: [...numbers, 600_001],
  }],
  [{ type: "commit", subscription: 1, offsets: [{ topic: "t", partition: 0, offset: 0 }] }, {
    subscription: [...numbers, undefined],
    offsets: [...lists, [5], [{ topic: "t", partition: 0, offset: "latest" }], undefined],
  }],
  [{ type: "leave", subscription: 1 }, { subscription: [...numbers, undefined] }],
  [{ type: "credit", subscription: 1, records: 1 }, {
    subscription: [...numbers, undefined],
    records: numbers,
    bytes: numbers,
  }],
  [{ type: "release", subscription: 1, partitions: [{ topic: "t", partition: 0 }] }, {
    subscription: [...numbers, undefined],
    partitions: [...lists, [5], [{ topic: "t" }], [{ partition: 0 }], undefined],
  }],
];

for (const [frame, fields] of frames) {
  Deno.test(`protocol: ${frame["type"]} with a wrong or missing field is an invalid_frame that names it`, async () => {
    for (const [field, values] of Object.entries(fields)) {
      await using client = await Client.open(shared.gateway);
      for (const value of values) {
        const changed = { ...frame, [field]: value, type: frame["type"] as string };
        const { message } = await client.refused("invalid_frame", changed);
        assert(message.includes(field), `"${message}" does not name ${field}`);
      }
    }
  });
}

Deno.test("protocol: a flood of heartbeats is answered, each with one", async () => {
  await using _ = await Witness.open();
  await using client = await Client.open(shared.gateway);
  for (let n = 0; n < 100; n++) {
    client.sendText(JSON.stringify(Array(50).fill({ type: "heartbeat" })));
  }
  await client.when(() => client.pushes("heartbeat").length === 5_000, "5,000 answers");
});

Deno.test("protocol: sequences of a producer end at 2^53-1", async () => {
  await using _ = await Witness.open();
  const topic = await makeTopic(shared.gateway, 1);
  await using client = await Client.open(shared.gateway);
  const { producer } = await client.initProducer();
  const publish = (sequence: number) => ({
    type: "publish",
    topic,
    records: [{ value: 1 }],
    producer: { ...producer, sequence },
  });
  await client.request(publish(2 ** 53 - 1));
  await client.refused("invalid_frame", publish(2 ** 53));
  await client.refused("sequence_too_old", publish(0));
});

Deno.test("protocol: joins beyond all measure are refused", async () => {
  await using _ = await Witness.open();
  await using client = await Client.open(shared.gateway);
  const topics = Array.from({ length: 10_000 }, (_, n) => `topic-${n}`);
  await client.refused("invalid_frame", { type: "join", group: "g", topics });
  const long = "n".repeat(10_000);
  await client.refused("invalid_frame", { type: "join", group: long, topics: ["t"] });
  await client.refused("invalid_frame", {
    type: "join",
    group: "g",
    topics: ["t"],
    instance: long,
  });
  await client.refused("invalid_frame", { type: "initProducer", name: long });
});

const badNames = [
  ...[
    "",
    ".",
    "..",
    "a//b",
    "a/../b",
    "_internal",
    "__proto__",
    "$SYS",
    "*",
    "a*",
    "**",
    " ",
    "a b",
  ],
  ...["n".repeat(201), "n".repeat(256), "\u00e9", "e\u0301", "\u202etxt", "t\u043epic", "🚕"],
  ...["\ud800", "\ufffd", "a\n", "\u001b[31m", "a\u0000", "a%2fb", "a?b", "a#b", "a:b", "a\\b"],
];
const goodNames = [
  "a",
  ".a",
  "a.",
  "-",
  "...",
  "a_b",
  "constructor",
  "toString",
  "0",
  "n".repeat(200),
];

Deno.test("names: topics and groups, over the socket", async () => {
  await using _ = await Witness.open();
  await using client = await Client.open(shared.gateway);
  for (const name of badNames) {
    const requests = [
      { type: "publish", topic: name, records: [{ value: 1 }] },
      { type: "subscribe", topic: name },
      { type: "join", group: name, topics: ["a"] },
    ];
    await using one = await Client.open(shared.gateway);
    for (const request of requests) await one.refused("invalid_frame", request);
  }
  for (const name of goodNames) {
    assertEquals((await client.publish(name, [{ value: 1, partition: 0 }])).offsets, [[0, 0]]);
    const { subscription } = await client.join(name, [name]);
    await client.request({ type: "leave", subscription });
  }
});

Deno.test("names: topics and groups, over HTTP", async () => {
  await using _ = await Witness.open();
  // The URL parser of the client normalizes these three away.
  const sent = badNames.filter((name) => !["", ".", ".."].includes(name));
  const encoded = sent.map((name) => encodeURIComponent(name.toWellFormed()));
  for (const name of [...encoded, "%ff", "%c0%ae", "%", "%2e%2e%2fhealthz", "%F0%9F%9A"]) {
    const calls = [
      call(shared.gateway, "PUT", `/v1/topics/${name}`, { partitions: 1 }),
      call(shared.gateway, "PUT", `/v1/groups/${name}/offsets`, { topics: ["a"], to: "latest" }),
    ];
    for (const { status, text } of await Promise.all(calls)) {
      assert(status === 400 || status === 404, `${name}: ${status} ${text}`);
    }
  }
});

Deno.test("payload: values of every awkward size come back whole", async () => {
  await using _ = await Witness.open();
  const topic = await makeTopic(shared.gateway, 1);
  const sizes = [0, 1, 48 * 1024, 48 * 1024 + 1, 64_999, 65_000, 65_001, 65_535, 65_536, 65_537];
  sizes.push(131_072, 262_142);
  await using client = await Client.open(shared.gateway);
  for (const size of sizes) await client.publish(topic, [{ value: "v".repeat(size) }]);
  const { subscription } = await client.subscribe(topic, { from: "earliest" });
  const delivered = await client.records(subscription, sizes.length);
  assertEquals(delivered.map(({ value }) => (value as string).length), sizes);
});

Deno.test("payload: too many, too large, too deep", async () => {
  const topic = fresh("topic");
  const publish = (records: string) =>
    `{"type":"publish","id":5,"topic":"${topic}","records":[${records}]}`;
  const value = (text: string) => publish(`{"value":${text}}`);
  const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);
  await check([
    [publish(Array(1_001).fill(`{"value":1}`).join(",")), "batch_too_large", "id"],
    [
      publish(Array(4).fill(`{"value":"${"v".repeat(205_000)}"}`).join(",")),
      "batch_too_large",
      "id",
    ],
    [value(`"${"v".repeat(256 * 1024 - 1)}"`), "record_too_large", "id"],
    [value(nested(10_000)), "invalid_frame", "id"],
    [value(nested(62)), "invalid_frame", "id"],
    [value(nested(61)), "ok"],
    [value("1e999"), "ok"],
    [value("9".repeat(400)), "ok"],
    [value(`"${"\\u0000".repeat(40_000)}"`), "ok"],
    [publish(""), "invalid_frame", "id"],
    [publish(`{"value":}`), "invalid_frame"],
    [publish(`{"value":1,"value":2,"key":"a","key":"b"}`), "ok"],
    [publish(`{"__proto__":{"value":1}}`), "invalid_frame", "id"],
    [publish(`{"value":1,"headers":{"__proto__":"x","constructor":"y"}}`), "ok"],
    [publish(`{"value":1,"key":"\\ud800"}`), "invalid_frame", "id"],
    [publish(`{"value":1,"key":"\\ufffd"}`), "ok"],
    [publish(`{"value":1,"headers":{"a":"\\udc00"}}`), "ok"],
  ]);
});

Deno.test("payload: of a duplicate member the last counts, in values too", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  await using client = await Client.open(shared.gateway);
  const { subscription } = await client.subscribe(topic);
  client.sendText(
    `{"type":"publish","id":5,"topic":"nowhere","topic":"${topic}","records":[{"value":0}],` +
      `"records":[{"value":[1],"key":"a","value":{"b":"]","b":2},"key":"c"}]}`,
  );
  assertEquals((await client.reply(5)).type, "ok");
  const [record] = await client.records(subscription, 1);
  assertEquals([record!.key, record!.value], ["c", { b: 2 }]);
});
