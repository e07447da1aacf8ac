/**
 * Requests over HTTP as bytes: valid calls of the API, with something done to their method, target,
 * headers or body. By hand, since no client of HTTP sends what must be sent here.
 */

import { Buffer } from "node:buffer";
import type { Chance } from "../support/chance.ts";
import { anyJson, GIVEN, GROUPS, PARTITIONS, publishPart, TOPICS } from "./grammar.ts";
import { mutateBytes, mutateText, mutateTree } from "./mutations.ts";

/** One request, on a connection of its own. */
export interface RawRequest {
  readonly method: string;
  readonly bytes: Uint8Array;
  /** It may be no HTTP, or have another length than it says: then it need not get an answer. */
  readonly lies: boolean;
}

interface Call {
  method: string;
  target: string;
  headers: [name: string, value: string][];
  body: string | undefined;
}

const whole = (chance: Chance, count: number) => Math.floor(chance.between(0, count));
const topic = (chance: Chance) => `/v1/topics/${chance.pick(TOPICS)}`;
const group = (chance: Chance) => `/v1/groups/${chance.pick(GROUPS)}`;

/** Each as often as it stands here. */
const CALLS:
  readonly ((chance: Chance) => readonly [method: string, target: string, body?: object])[] = [
    (chance) => ["PUT", topic(chance), {
      partitions: PARTITIONS,
      retentionBytes: 1_000_000,
      ...chance.chance(0.3) ? { retentionMs: 1_000 * (1 + whole(chance, 60)) } : {},
    }],
    (chance) => ["PUT", topic(chance), { partitions: 1 + whole(chance, 5) }],
    () => ["GET", "/v1/topics"],
    (chance) => ["GET", topic(chance)],
    (chance) => ["DELETE", topic(chance)],
    (chance) => ["POST", `${topic(chance)}/records`, { records: publishPart(chance)["records"] }],
    (chance) => ["POST", `${topic(chance)}/records`, publishPart(chance)],
    () => ["POST", "/v1/producers", {}],
    (chance) => ["POST", "/v1/producers", { name: chance.pick(["a", "b"]) }],
    (chance) => [
      "GET",
      `${topic(chance)}/partitions/${whole(chance, PARTITIONS)}/records?offset=` +
      `${whole(chance, 50)}&limit=${1 + whole(chance, 200)}`,
    ],
    (chance) => ["GET", `${topic(chance)}/partitions/${whole(chance, 5)}/records`],
    (chance) => ["GET", `${topic(chance)}/events?from=earliest`],
    (chance) => ["GET", `${topic(chance)}/events?partitions=0,${whole(chance, 3)}&key=k&key=cab-7`],
    () => ["GET", "/v1/groups"],
    (chance) => ["GET", group(chance)],
    (chance) => ["DELETE", group(chance)],
    (chance) => ["PUT", `${group(chance)}/offsets`, {
      offsets: [{ topic: chance.pick(TOPICS), partition: 0, offset: whole(chance, 20) }],
    }],
    (chance) => ["PUT", `${group(chance)}/offsets`, {
      topics: [chance.pick(TOPICS)],
      to: chance.pick(["earliest", "latest", { timestamp: 1_000 }]),
    }],
    (chance) => ["GET", chance.pick(["/healthz", "/readyz", "/metrics", "/", "/v1/client.js"])],
    () => ["GET", "/v1/connect"],
  ];

const SEGMENTS = [
  ...["", ".", "..", "%00", "%2e%2e", "%2F", "%ff", "%E0%A4%A", "%", "%25", "_x", "__proto__"],
  ...["a".repeat(200), "a".repeat(201), "a".repeat(9_000), "constructor", "\u0000", "\u00e9", " "],
  ...["a%0d%0aset-cookie:x", "partitions", "records", "events", "9007199254740993", "-1", "1e3"],
];
const VALUES = [
  ...["", "0", "-1", "1e3", "9007199254740991", "9007199254740992", "%00", "%ff", "NaN", "null"],
  ...["latest", "earliest", "eyJ", "a".repeat(3_000), "1,2,3", ",", "__proto__", "+", "%D8%00"],
];
const PARAMETERS = ["offset", "limit", "from", "partitions", "key", "__proto__", "access_token"];
const HEADERS: readonly (readonly [string, string])[] = [
  ["host", "evil.example"],
  ["host", ""],
  ["origin", "null"],
  ["origin", "https://evil.example"],
  ["content-type", "text/html; charset=\u00ff"],
  ["content-encoding", "gzip"],
  ["authorization", "Bearer x.y.z"],
  ["authorization", "\u0001"],
  ["last-event-id", "eyJ"],
  ["last-event-id", "\u00ff"],
  ["if-none-match", "*"],
  ["if-none-match", `"${",".repeat(500)}`],
  ["range", "bytes=0-0,-1,5-"],
  ["expect", "100-continue"],
  ["expect", "nonsense"],
  ["upgrade", "websocket"],
  ["connection", "upgrade, close, , \u00e9"],
  ["sec-websocket-protocol", "weir.v1,".repeat(50)],
  ["content-length", "5"],
  ["content-length", "-1"],
  ["content-length", "99999999999999999999"],
  ["transfer-encoding", "chunked"],
  ["transfer-encoding", "gzip, chunked"],
  ["x", "y".repeat(9_000)],
  ["bad name", "x"],
  ["__proto__", "x"],
  ["access-control-request-method", "PUT"],
];
/** Those after which where the request ends, or that it is one, is a matter of opinion. */
const LYING = /^(content-length|transfer-encoding|upgrade|expect|connection|bad name|host|x)$/;

const METHODS = ["HEAD", "OPTIONS", "PATCH", "TRACE", "get", "DELETE", "PUT", "POST", "GET"];

/** What is done to a call; the text of its body is changed apart. */
const CHANGES: readonly ((chance: Chance, call: Call) => void)[] = [
  (chance, call) => call.method = chance.pick(METHODS),
  (chance, call) => {
    const parts = call.target.split("/");
    parts[1 + whole(chance, parts.length)] = chance.pick(SEGMENTS);
    call.target = parts.join("/");
  },
  (chance, call) => call.target += `/${chance.pick(SEGMENTS)}`,
  (chance, call) => {
    const [path, query = ""] = call.target.split("?");
    const more = `${chance.pick(PARAMETERS)}=${chance.pick(VALUES)}`;
    call.target = `${path}?${
      chance.pick([more, `${query}&${more}`, `${more}&${query}`, `&&=${more}`])
    }`;
  },
  (chance, call) => call.target += `&${"key=k&".repeat(chance.pick([1, 100, 101, 1_000]))}`,
  (chance, call) => call.headers.push([...chance.pick(HEADERS)]),
  (chance, call) => call.headers.push([...chance.pick(HEADERS)]),
  (chance, call) => {
    const count = chance.pick([10, 64, 65, 500]);
    for (let i = 0; i < count; i++) call.headers.push([`x-${i}`, "y"]);
  },
  (chance, call) => {
    if (call.body !== undefined) call.body = changedBody(chance, call.body);
  },
  (chance, call) => {
    if (call.body !== undefined) call.body = changedBody(chance, changedBody(chance, call.body));
  },
  (chance, call) => call.body = JSON.stringify(anyJson(chance)),
];

function changedBody(chance: Chance, body: string): string {
  if (chance.chance(0.3)) return mutateText(chance, body);
  try {
    return JSON.stringify(mutateTree(chance, JSON.parse(body) as object));
  } catch {
    return body; // its text was changed before, and is no JSON now
  }
}

/** A request of which about every fifth is valid. */
export function anyRequest(chance: Chance): RawRequest {
  const [method, target, body] = chance.pick(CALLS)(chance);
  const call: Call = {
    method,
    target,
    headers: [],
    body: body && JSON.stringify(body).replaceAll(`"${GIVEN.epoch}"`, "1")
      .replaceAll(`"${GIVEN.sequence}"`, "0"),
  };
  const changes = Math.floor(chance.between(0, 4));
  for (let i = 0; i < changes; i++) chance.pick(CHANGES)(chance, call);
  const bytes = encoded(call);
  const broken = chance.chance(0.1);
  const lies = broken || liesOf(call);
  return { method: call.method, bytes: broken ? mutateBytes(chance, bytes) : bytes, lies };
}

/** What was added stands before what every request has. */
function encoded({ method, target, headers, body }: Call): Uint8Array {
  const content = Buffer.from(body ?? "");
  const all = [...headers];
  if (!all.some(([name]) => name === "host")) all.push(["host", "127.0.0.1"]);
  all.push(["connection", "close"]);
  if (body !== undefined) {
    all.push(["content-type", "application/json"], ["content-length", String(content.length)]);
  }
  const lines = all.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  return Buffer.concat([
    Buffer.from(`${method} ${target} HTTP/1.1\r\n${lines}\r\n`, "latin1"),
    content,
  ]);
}

/** Whether the server may refuse it before anybody looks what it asks for. */
function liesOf({ method, target, headers, body }: Call): boolean {
  const head = headers.reduce((sum, [name, value]) => sum + name.length + value.length + 4, 0);
  const isLarge = target.length > 2_000 || head > 5_000 || headers.length > 60 ||
    (body?.length ?? 0) > 1_000_000;
  const isOdd = method === "get" || !/^[!-~]*$/.test(target) ||
    headers.some(([name, value]) => LYING.test(name) || !/^[ -~]*$/.test(value));
  // A body where none belongs may not have been read when the connection is closed.
  return isLarge || isOdd || (body !== undefined && method !== "PUT" && method !== "POST");
}
