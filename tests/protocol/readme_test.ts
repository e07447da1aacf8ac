/** The page that client authors read must be true: its numbers, its error table, its examples. */

import { assert, assertEquals } from "@std/assert";
import { CLOSE, ERRORS, GatewayError } from "../../src/errors.ts";
import { ADVERTISED, CREDIT, GROUP, HTTP, NAMES, SESSION, TOPIC } from "../../src/limits.ts";
import { FRAMES } from "../../src/protocol/frames.ts";
import { decode } from "./messages.ts";

const page = Deno.readTextFileSync(new URL("../../src/protocol/README.md", import.meta.url));

/** The rows of all tables of a section, cells as text. */
function rows(section: string): string[][] {
  const from = page.indexOf(`\n## ${section}`);
  assert(from >= 0, `There is no section ${section}`);
  const to = page.indexOf("\n## ", from + 1);
  return rowsOf(page.slice(from, to < 0 ? page.length : to));
}

function rowsOf(text: string): string[][] {
  return text.split("\n")
    .filter((line) => line.startsWith("| ") && !line.startsWith("| -"))
    .map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()));
}

function examples(who: "client" | "gateway"): Record<string, unknown>[] {
  const blocks = page.matchAll(new RegExp(`^\`\`\`json ${who}\n(.*?)^\`\`\``, "gms"));
  return [...blocks].flatMap(([, text]) => JSON.parse(text ?? ""));
}

Deno.test("the page names the advertised limits as they are", () => {
  const named = rows("8.").filter(([limit]) =>
    limit?.startsWith("`") && limit.slice(1, -1) in ADVERTISED
  )
    .map(([limit, value]) => [limit?.slice(1, -1), Number(value)]);
  assertEquals<unknown>(Object.fromEntries(named), ADVERTISED);
});

const closedWith = (code: number) => `the socket is closed with ${code}`;
const cut = "the connection is cut";
const outOfBounds = "`invalid_frame`";

/** As `npm:ws` does it. */
const POLICY_VIOLATION = 1008;

/** Each bound, and what a client gets that goes beyond it. */
const fixed: readonly (readonly [what: string, bounds: string, otherwise: string])[] = [
  ["path of a request, and whole address of a socket", `${HTTP.urlBytes} bytes`, "HTTP 414"],
  [
    "headers of a request",
    `${HTTP.headers}, of ${HTTP.headerBytes} bytes together`,
    "HTTP 431",
  ],
  [
    "time for the headers of a request, and for all of it",
    `${HTTP.headersMs} ms, ${HTTP.requestMs} ms`,
    "HTTP 408",
  ],
  [
    "body of a request",
    `${HTTP.bodyBytes} bytes`,
    `HTTP ${ERRORS.batch_too_large.status} \`batch_too_large\``,
  ],
  [
    "requests of one connection that are not answered yet (pipelining)",
    `${HTTP.pipelinedRequests}`,
    cut,
  ],
  ["time until `hello` comes", `${SESSION.helloMs} ms`, closedWith(CLOSE.noHello)],
  [
    "a message before `hello` is answered",
    `${SESSION.helloMessageBytes} bytes`,
    closedWith(CLOSE.messageTooBig),
  ],
  [
    "all that comes before `hello` is answered, parts and control frames included",
    `${SESSION.helloBytes} bytes`,
    closedWith(CLOSE.messageTooBig),
  ],
  [
    "parts of a message (frames of RFC 6455)",
    `${HTTP.fragments}`,
    closedWith(POLICY_VIOLATION),
  ],
  [
    "pieces from the network that wait for the rest of such a frame",
    `${HTTP.bufferedChunks}`,
    closedWith(POLICY_VIOLATION),
  ],
  ["pongs that wait for a client that does not read", `${HTTP.pendingPongs}`, cut],
  [
    "bytes that wait for a client that does not read",
    `${SESSION.outboxBytes} for ${SESSION.outboxFullMs} ms`,
    closedWith(CLOSE.slowConsumer),
  ],
  ["time to answer a close", `${HTTP.closeMs} ms`, cut],
  [
    "invalid and unknown frames",
    `${SESSION.invalidFrames} in ${SESSION.invalidWindowMs} ms`,
    closedWith(CLOSE.tooManyInvalid),
  ],
  ["frames in a message", `1 to ${SESSION.framesPerMessage}`, outOfBounds],
  ["open brackets in a message", `${SESSION.jsonDepth}`, outOfBounds],
  [
    "members and elements in a message, but for those in records' values",
    `${SESSION.jsonValues}`,
    outOfBounds,
  ],
  ["characters of a name", `1 to ${NAMES.length}`, outOfBounds],
  ["`topics` of a `join`", `1 to ${NAMES.topicsPerMember}`, outOfBounds],
  ["different topics in a `transact`", `1 to ${TOPIC.stripes}`, "`transaction_too_large`"],
  ["`keys` of a `subscribe`", `1 to ${NAMES.keysPerSubscription}`, outOfBounds],
  ["`partitions` or `positions` of a `subscribe`", `1 to ${TOPIC.partitions}`, outOfBounds],
  [
    "partitions that the subscriptions of a session follow together",
    `${SESSION.partitions}`,
    "`too_many_subscriptions`",
  ],
  ["bytes of `metadata`", `${GROUP.metadataBytes}`, outOfBounds],
  ["`sessionTimeoutMs`", `${GROUP.minSessionMs} to ${GROUP.maxSessionMs}`, outOfBounds],
  ["`revokeTimeoutMs`", `0 to ${GROUP.maxRevokeMs}`, outOfBounds],
  [
    "balance of `credit`",
    `${CREDIT.maxRecords} records, ${CREDIT.maxBytes} bytes`,
    "what is over it is lost",
  ],
];

Deno.test("the page names the fixed bounds as they are, and no others", () => {
  const [, after = ""] = page.split("\nWhat is fixed:\n\n");
  const table = rowsOf(after.slice(0, after.indexOf("\n\n"))).slice(1);
  assertEquals<unknown>(table, fixed);
});

Deno.test("the page has every error, with its status and its retry rule", () => {
  const told = new Map<string, { status: number; retry: string }>();
  for (const [codes, status, retry] of rows("5.").slice(1)) {
    const statuses = status?.split(" / ") ?? [];
    for (const [i, [, code]] of [...codes?.matchAll(/`(\w+)`/g) ?? []].entries()) {
      const rule = retry?.match(/\w+/)?.[0] ?? "";
      told.set(code ?? "", { status: Number(statuses[i] ?? statuses[0]), retry: rule });
    }
  }
  const rules = Object.entries(ERRORS).map((
    [code, { status, retry }],
  ) => [code, { status, retry }]);
  assertEquals<unknown>(Object.fromEntries(told), Object.fromEntries(rules));
});

Deno.test("the page names every frame that a client may send", () => {
  for (const type of Object.keys(FRAMES)) assert(page.includes(`\`${type} {`), type);
});

Deno.test("what the client sends in the examples is accepted", () => {
  const frames = examples("client");
  assert(frames.length > 5);
  for (const frame of frames) assertEquals(decode(frame)[0]?.error?.message, undefined);
});

Deno.test("what the gateway sends in the examples has the fields that it has", () => {
  const frames = examples("gateway");
  const asked = new Set(examples("client").map(({ id }) => id));
  for (const frame of frames.filter(({ type }) => type === "ok")) assert(asked.has(frame.id));
  for (const { type: _, id: __, ...fields } of frames.filter(({ type }) => type === "error")) {
    const { code, message, expected } = fields as {
      code: "sequence_gap";
      message: string;
      expected: number;
    };
    assertEquals(fields, new GatewayError(code, message, { expected }).fields());
  }
  const hello = frames.find(({ id }) => id === 1);
  assertEquals<unknown>(hello?.limits, ADVERTISED);
});
