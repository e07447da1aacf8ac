import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { generate } from "./generate.ts";
import type { Event } from "./history.ts";
import { readHistory } from "./read.ts";

function streamOf(text: string, chunk = text.length): ReadableStream<Uint8Array<ArrayBuffer>> {
  const bytes = new TextEncoder().encode(text);
  return new ReadableStream({
    start(controller) {
      for (let at = 0; at < bytes.length; at += chunk) {
        controller.enqueue(bytes.slice(at, at + chunk));
      }
      controller.close();
    },
  });
}

function linesOf(events: readonly Event[]): string {
  return events.map((event) => `${JSON.stringify(event)}\n`).join("");
}

const healed = JSON.stringify({ type: "told", f: "healed", at: 1, process: "run" });

Deno.test("a history comes out of a file as it went in, however it is cut into pieces", async () => {
  const events = generate(1);
  for (const chunk of [7, 4_096]) {
    assertEquals(await readHistory(streamOf(linesOf(events), chunk)), [...events]);
  }
});

Deno.test("letters of several bytes may be cut in two, and the last line may end without a break", async () => {
  const event: Event = { type: "fail", op: 1, error: "größer", at: 1, process: "東京" };
  assertEquals(await readHistory(streamOf(JSON.stringify(event), 1)), [event]);
});

Deno.test("a record without a key is without one in a file, too", async () => {
  const send = { topic: "a", values: ["x", "y"], keys: [undefined, "k"] };
  const event: Event = { type: "invoke", f: "send", op: 1, sends: [send], at: 1, process: "p" };
  assertEquals(await readHistory(streamOf(linesOf([event]))), [event]);
});

Deno.test("what else an event has is let be", async () => {
  const more = `{"note":1,${healed.slice(1)}`;
  assertEquals((await readHistory(streamOf(more))).length, 1);
});

/** Invalid lines, and the messages about them. */
const BAD: Readonly<Record<string, readonly [line: string, message: RegExp]>> = {
  "no JSON": ["{", /^Line 2 is no JSON: \{$/],
  "nothing": ["", /^Line 2 is no JSON: $/],
  "no object": ["7", /^Line 2 is no event: /],
  "of no type": ['{"at":1,"process":"p"}', /^Line 2 is no event: type: /],
  "of an unknown type": ['{"type":"said","at":1,"process":"p"}', /^Line 2 is no event: type: /],
  "told of nothing": ['{"type":"told","at":1,"process":"p"}', /^Line 2 is no event: f: /],
  "without a time": ['{"type":"told","f":"healed","process":"p"}', /^Line 2 is no event: at: /],
  "with a bad offset": [
    '{"type":"told","f":"poll","reader":"r","topic":"a","partition":0,"records":[[-1,"x"]],"at":1,"process":"p"}',
    /^Line 2 is no event: records\.0\.0: /,
  ],
  "before the one before it": [
    '{"type":"told","f":"healed","at":0.5,"process":"run"}',
    /^Line 2 is of 0\.5 ms, and the one before of 1$/,
  ],
};

for (const [name, [line, message]] of Object.entries(BAD)) {
  Deno.test(`a line that is ${name} is refused by its number`, async () => {
    const text = `${healed}\n${line}\n${healed}\n`;
    const { message: said } = await assertRejects(() => readHistory(streamOf(text)), Error);
    assertMatch(said, message);
  });
}
