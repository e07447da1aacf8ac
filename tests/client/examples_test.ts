/**
 * The client's documentation held to the truth: every public name and every public member of its
 * classes says what it is with an example, and the examples compile, run against a gateway, and
 * print what the comments at their ends say, with `…` for what differs from run to run.
 *
 * In front of each example there are a connected `weir` and, where it uses them, a `producer`, a
 * `subscription` and a `consumer` of the topic `positions`, in which there is one record.
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { Gateway } from "../support/gateway.ts";

const folder = new URL("../../src/client/", import.meta.url);
const shown = "http://127.0.0.1:8080";

interface Example {
  readonly name: string;
  readonly code: string;
  readonly output: string;
}

/** A documented declaration or member: its docstring, and the line that follows. */
const documented = /^( *)\/\*\*((?:(?!\*\/)[\s\S])*)\*\/(?=\s*([^\n]*))/gm;

/** The name in the first line of a declaration or member. */
function nameIn(line: string): string | undefined {
  return /^(?:export )?(?:async |readonly |get |static )*(?:function |class |interface |type )?\*?(\[?[\w.]+\]?)/
    .exec(line)?.[1];
}

function examplesIn(file: string, text: string): Example[] {
  const examples: Example[] = [];
  for (const [, , comment = "", line = ""] of text.matchAll(documented)) {
    for (const [, block = ""] of comment.matchAll(/```ts\n([\s\S]*?)```/g)) {
      const lines = block.split("\n").map((one) => one.replace(/^\s*\* ?/, ""));
      while (lines.at(-1)?.trim() === "") lines.pop();
      const output: string[] = [];
      while (lines.at(-1)?.startsWith("// ")) output.unshift(lines.pop()!.slice(3));
      examples.push({
        name: `${file}: ${nameIn(line)}`,
        code: lines.join("\n"),
        output: output.join("\n"),
      });
    }
  }
  return examples;
}

/** The setup of an example: what it uses. */
function prelude(code: string): string {
  const uses = (name: string) =>
    new RegExp(`(?<![\\w.])${name}\\b`).test(code) && !code.includes(`const ${name} =`);
  return [
    `await using weir = connect("${shown}");`,
    `await weir.publish("positions", { key: "cab-7", value: { lat: 37.75 } });`,
    `await weir.publish("orders", { key: "order-7", value: { price: 6 } });`,
    uses("producer") ? "const producer = weir.producer();" : "",
    uses("subscription")
      ? `const subscription = weir.subscribe("positions", { from: "earliest" });`
      : "",
    uses("consumer") ? `const consumer = weir.consume("positions", { group: "fare-meter" });` : "",
  ].join("\n");
}

/** A program of all examples; each prints its output between marks, with topics of its own. */
function program(examples: readonly Example[], origin: string): string {
  const bodies = examples.map(({ code }, i) => {
    const own = `${prelude(code)}\n{\n${code}\n}`
      .replaceAll(shown, origin)
      .replaceAll(
        /"(positions|orders|invoices|notifications|counts|fare-meter|billing|archive)"/g,
        `"$1-${i}"`,
      )
      .replaceAll("value.price", "(value as { price: number }).price");
    return `async () => {\n${own}\n},`;
  });
  return `
import * as client from "${folder.href}mod.ts";
import type { ClientSocket, Platform, SocketEvents } from "${folder.href}mod.ts";
const { connect, WeirError } = client;
void WeirError;
const examples: (() => Promise<void>)[] = [${bodies.join("\n")}];
for (const [i, example] of examples.entries()) {
  console.log("=== " + i);
  await example();
}
export type Used = [ClientSocket, Platform, SocketEvents];
`;
}

async function texts(): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for await (const { name } of Deno.readDir(folder)) {
    if (name.endsWith(".ts")) found.set(name, await Deno.readTextFile(new URL(name, folder)));
  }
  return found;
}

Deno.test("every public name of the client says what it is, with an example", async () => {
  const files = await texts();
  const exported = [...files.get("mod.ts")!.matchAll(/export (?:type )?\{([^}]*)\}/g)]
    .flatMap(([, names = ""]) => names.split(","))
    .map((name) => name.replace(/\btype\b/, "").trim())
    .filter((name) => name !== "");
  const withExample = new Set<string>();
  for (const [file, text] of files) {
    for (const { name } of examplesIn(file, text)) withExample.add(name.split(": ")[1]!);
  }
  assertEquals(exported.filter((name) => !withExample.has(name)), []);
});

Deno.test("every public member of the client's classes has an example", async () => {
  const files = await texts();
  const withExample = new Set<string>();
  for (const [file, text] of files) {
    for (const { name } of examplesIn(file, text)) withExample.add(name);
  }
  const members: Record<string, string[]> = {
    "client.ts": [
      "state",
      "lastError",
      "onState",
      "probe",
      "publish",
      "transact",
      "producer",
      "subscribe",
      "consume",
      "close",
    ],
    "producer.ts": ["publish", "ready", "flush", "close"],
    "subscription.ts": ["ready", "position", "lag", "batches", "seek", "close"],
    "consumer.ts": ["partitions", "lag", "batches", "commit", "seek", "close"],
  };
  const missing = Object.entries(members).flatMap(([file, names]) =>
    names.map((name) => `${file}: ${name}`).filter((name) => !withExample.has(name))
  );
  assertEquals(missing, []);
});

Deno.test("the examples of the client's documentation compile, run, and print what they say", async () => {
  await using gateway = await Gateway.start();
  const examples = [...await texts()].sort().flatMap(([file, text]) => examplesIn(file, text));
  const path = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(path, program(examples, gateway.origin));
    const { stdout, stderr, success } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--check", "--quiet", "--no-config", "--no-lock", "--allow-net", path],
      env: { NO_COLOR: "1" },
      signal: AbortSignal.timeout(60_000),
    }).output();
    const printed = new TextDecoder().decode(stdout).split(/^=== \d+\n/m).slice(1);
    const at = examples[printed.length - 1]?.name;
    assert(success, `${at}\n${new TextDecoder().decode(stderr)}`);
    assertEquals(printed.length, examples.length);
    for (const [i, { name, output }] of examples.entries()) {
      const text = printed[i]!.trim().replaceAll(new RegExp(`-${i}\\b`, "g"), "");
      const parts = output.split("…").map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
      assertMatch(text, new RegExp(`^${parts.join("[^]*?")}$`), name);
    }
  } finally {
    await Deno.remove(path);
  }
});
