/**
 * The README held to the truth: its examples are run against a gateway and must print what the
 * comments in them say, and its tables must be those of the code.
 *
 * A block that is tagged `sh run` may have `curl` with a URL, `-X` and `-d`, which is done here, so
 * that the test needs no `curl`. A block tagged `ts run`, `ts client` or `js page` is run as a program. In all, the comments
 * after a command are its output, with `…` for what differs from run to run.
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { SETTINGS } from "../src/config.ts";
import { ADVERTISED, LOG, NAMES, PRODUCER, SESSION, TOPIC } from "../src/limits.ts";
import type { Abuser } from "./abuse/abuser.ts";
import { ABUSERS } from "./abuse/abusers.ts";
import { inUseBytes } from "./abuse/bounds.ts";
import { Gateway } from "./support/gateway.ts";

const root = new URL("../", import.meta.url);
const readme = await Deno.readTextFile(new URL("README.md", root));
const shown = "http://127.0.0.1:8080";

function blocks(tag: string): string[] {
  return [...readme.matchAll(/^```(.+)\n([\s\S]*?)^```$/gm)]
    .filter((match) => match[1] === tag)
    .map((match) => match[2]!);
}

/** Holds what was printed to the comments, in which `…` stands for anything. */
function assertPrinted(printed: string, comments: string): void {
  const pattern = comments.split("…").map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
  assertMatch(printed.trim(), new RegExp(`^${pattern.join("[^]*?")}$`));
}

/** The words of a shell command: separated by blanks, quoted by single quotes. */
function words(command: string): string[] {
  return [...command.replaceAll("\\\n", " ").matchAll(/'([^']*)'|(\S+)/g)]
    .map((match) => match[1] ?? match[2]!);
}

async function curl([program, ...rest]: string[], gateway: Gateway): Promise<string> {
  assertEquals(program, "curl");
  const init: RequestInit = {};
  let url = "";
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === "-X") init.method = rest.shift() ?? "";
    else if (word === "-d") Object.assign(init, { method: "POST", body: rest.shift() });
    else url = word;
  }
  const response = await fetch(url.replace(shown, gateway.origin), init);
  return await response.text();
}

/** A block of the client; one for a page is ended behind its first record, which a page never is. */
function clientPrograms(origin: string): string[] {
  const client = new URL("src/client/mod.ts", root).href;
  const inDeno = blocks("ts client").map((text) => text.replace("./src/client/mod.ts", client));
  const inPages = blocks("js page").map((text) =>
    `${text.replace("console.log(key, value);", "$& break;")}
await weir.close();
// cab-7 { lat: 37.75, lon: -122.39 }`
  );
  return [...inDeno, ...inPages].map((text) => text.replaceAll(shown, origin));
}

async function program(code: string): Promise<string> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--no-config",
      "--no-lock",
      "--allow-net",
      "--allow-import",
      "--ext=ts",
      "-",
    ],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
    env: { NO_COLOR: "1" },
  }).spawn();
  const input = child.stdin.getWriter();
  await input.write(new TextEncoder().encode(code));
  await input.close();
  const { stdout, success } = await child.output();
  assert(success, "the example must end by itself");
  return new TextDecoder().decode(stdout);
}

Deno.test("the README's examples do what they say", async () => {
  const gateway = await Gateway.start();
  try {
    const commands = blocks("sh run").flatMap((block) => block.split("\n\n"));
    assert(commands.length > 0, "there are commands");
    for (const command of commands) {
      const [input = "", output = ""] = command.split("\n# ");
      assertPrinted(await curl(words(input), gateway), output.trim());
    }
    const programs = blocks("ts run");
    assert(programs.length > 0, "there are programs");
    for (const text of [...programs, ...clientPrograms(gateway.origin)]) {
      const lines = text.trimEnd().split("\n");
      const output = lines.filter((line) => line.startsWith("// ")).map((line) => line.slice(3));
      const code = text.replaceAll(shown.slice("http:".length), gateway.origin.slice(5));
      assertPrinted(await program(code), output.join("\n"));
    }
  } finally {
    await gateway.stop("SIGTERM");
  }
});

/** The cells of the table below a heading. */
function table(heading: string): string[][] {
  const section = readme.slice(readme.indexOf(`\n${heading}\n`));
  return section.slice(0, section.indexOf("\n\n", section.indexOf("\n| ")))
    .split("\n")
    .filter((line) => line.startsWith("| "))
    .slice(2)
    .map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim().replaceAll("`", "")));
}

Deno.test("the README lists every setting with its default, and no other", () => {
  assertEquals(
    table("## Settings").map(([name, initial]) => [name, initial]),
    Object.entries(SETTINGS).map(([name, { initial }]) => [name, initial]),
  );
});

Deno.test("the README's limits are those of the code", () => {
  assertEquals(
    table("### Limits").map(([, max]) => Number(/^[\d,]+/.exec(max!)?.[0].replaceAll(",", ""))),
    [
      ADVERTISED.messageBytes,
      ADVERTISED.recordBytes,
      ADVERTISED.publishRecords,
      ADVERTISED.publishBytes,
      ADVERTISED.publishPartitions,
      ADVERTISED.inFlight,
      ADVERTISED.subscriptions,
      TOPIC.partitions,
      SESSION.partitions,
      NAMES.keysPerSubscription,
      PRODUCER.window,
      SESSION.outboxBytes,
      LOG.queueBytes,
    ],
  );
});

Deno.test("the README's abusers are those of the task, with as many sockets and their bounds", () => {
  const controls = ["nothing", "busy-neighbour"];
  const abusers = Object.entries<Abuser>(ABUSERS).filter(([name]) => !controls.includes(name));
  assertEquals(
    table("### Abusers").map((row) => [row[0], row[1], row[4]]),
    abusers.map(([name, { bound, lanes: { full } }]) => [
      name,
      full.toLocaleString("en-US"),
      `${Math.round(inUseBytes(bound, full) / 1_048_576)} MiB`,
    ]),
  );
});

Deno.test("the README's integrity of the client is that of the file", async () => {
  const file = "src/server/pages/client.js";
  const bytes = await Deno.readFile(new URL(file, root));
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-384", bytes));
  const command = `openssl dgst -sha384 -binary ${file} | openssl base64 -A`;
  assertEquals(
    readme.match(/sha384-[\w+/=]+/g),
    [`sha384-${hash.toBase64()}`],
    `The README has another client than ${file}. The new line is sha384- and what this prints: ${command}`,
  );
});

Deno.test("the README names every task", async () => {
  const { tasks } = JSON.parse(await Deno.readTextFile(new URL("deno.json", root)));
  const named = [...readme.matchAll(/deno task (\w+)/g)].map((match) => match[1]);
  assertEquals(Object.keys(tasks).filter((task) => !named.includes(task)), []);
});

Deno.test("every file that the README points at is there", async () => {
  for (const [, target] of readme.matchAll(/\]\(([^)#:]+)\)/g)) {
    await Deno.stat(new URL(target!, root));
  }
});
