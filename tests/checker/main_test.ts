import { assertEquals, assertMatch } from "@std/assert";
import { generate } from "./generate.ts";
import type { Event } from "./history.ts";

/** The program's output for a history in a file, and its exit code. */
async function checked(events: readonly Event[]): Promise<{ text: string; code: number }> {
  const file = await Deno.makeTempFile({ suffix: ".jsonl" });
  try {
    await Deno.writeTextFile(file, events.map((event) => `${JSON.stringify(event)}\n`).join(""));
    return await run(file);
  } finally {
    await Deno.remove(file);
  }
}

async function run(...args: string[]): Promise<{ text: string; code: number }> {
  const main = new URL("main.ts", import.meta.url).pathname;
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", "--allow-read", main, ...args],
    stdout: "piped",
    stderr: "piped",
  });
  const { code, stdout } = await command.output();
  return { text: new TextDecoder().decode(stdout), code };
}

Deno.test("the program counts, says that it found nothing, and ends well", async () => {
  const events = generate(1);
  const operations =
    events.filter((event) =>
      event.type === "invoke" || (event.type === "told" && event.f === "poll")
    ).length;
  const { text, code } = await checked(events);
  assertMatch(text, new RegExp(`^${events.length} events, ${operations} operations, `));
  assertMatch(text, new RegExp(`\\ncheck: ${operations} operations, 0 findings\\n$`));
  assertEquals(code, 0);
});

Deno.test("the program says what it found, last how much, and fails", async () => {
  const events = generate(1);
  const log = events.findIndex((event) => event.type === "told" && event.f === "log");
  const { text, code } = await checked(events.toSpliced(log, 1, {
    ...events[log] as Event & { type: "told"; f: "log" },
    records: [],
  }));
  assertMatch(text, /\n1 offset-hole\n/);
  assertMatch(text, /\n {2}\d+ ms: lost-write: p\d\.\d+ was read at a\/0\/0, and the log, /);
  assertMatch(text, /\ncheck: \d+ operations, \d+ findings\n$/);
  assertEquals(code, 1);
});

Deno.test("the program asks for one file", async () => {
  const { text, code } = await run();
  assertMatch(text, /^usage: deno task check /);
  assertEquals(code, 2);
});
