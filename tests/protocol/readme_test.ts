/** The page that client authors read must be true: its numbers, its error table, its examples. */

import { assert, assertEquals } from "@std/assert";
import { ERRORS, GatewayError } from "../../src/errors.ts";
import { ADVERTISED, CREDIT, GROUP, NAMES, SESSION, TOPIC } from "../../src/limits.ts";
import { FRAMES } from "../../src/protocol/frames.ts";
import { decode } from "./messages.ts";

const page = Deno.readTextFileSync(new URL("../../src/protocol/README.md", import.meta.url));

/** The rows of all tables of a section, cells as text. */
function rows(section: string): string[][] {
  const from = page.indexOf(`\n## ${section}`);
  assert(from >= 0, `There is no section ${section}`);
  const to = page.indexOf("\n## ", from + 1);
  return page.slice(from, to < 0 ? page.length : to).split("\n")
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

Deno.test("the page names the fixed bounds as they are", () => {
  const bounds = new Map(rows("8.").map(([what, value]) => [what, value]));
  const fixed: [string, string][] = [
    ["frames in a message", `1 to ${SESSION.framesPerMessage}`],
    ["open brackets in a message", `${SESSION.jsonDepth}`],
    ["characters of a name", `1 to ${NAMES.length}`],
    ["`topics` of a `join`", `1 to ${NAMES.topicsPerMember}`],
    ["`keys` of a `subscribe`", `1 to ${NAMES.keysPerSubscription}`],
    ["`partitions` or `positions` of a `subscribe`", `1 to ${TOPIC.partitions}`],
    ["partitions that the subscriptions of a session follow together", `${SESSION.partitions}`],
    ["bytes of `metadata`", `${GROUP.metadataBytes}`],
    ["`sessionTimeoutMs`", `${GROUP.minSessionMs} to ${GROUP.maxSessionMs}`],
    ["`revokeTimeoutMs`", `0 to ${GROUP.maxRevokeMs}`],
    ["balance of `credit`", `${CREDIT.maxRecords} records, ${CREDIT.maxBytes} bytes`],
  ];
  for (const [what, value] of fixed) assertEquals(bounds.get(what), value, what);
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
