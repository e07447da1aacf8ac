/**
 * The client as pages load it: the committed module is what `deno task client` builds from the
 * sources, it is small and has no imports, and every gateway serves the same bytes.
 */

import { assertEquals, assertLessOrEqual, assertMatch } from "@std/assert";
import { gzipSync } from "node:zlib";
import config from "../../deno.json" with { type: "json" };
import { Gateway } from "../support/gateway.ts";
import { call } from "../support/http.ts";

const root = new URL("../../", import.meta.url);
const committed = "src/server/pages/client.js";
const path = "/v1/client.js";
const maxGzipped = 14 * 1024;

const bytesOf = () => Deno.readFile(new URL(committed, root));
const textOf = () => Deno.readTextFile(new URL(committed, root));

/** Builds the module with the task of `deno.json`, but into `output`. */
async function make(output: string): Promise<Uint8Array> {
  const [program, ...args] = config.tasks.client.command
    .split(" ").map((word) => word === committed ? output : word);
  assertEquals([program, args.includes(output)], ["deno", true]);
  const { code, stderr } = await new Deno.Command(Deno.execPath(), { args, cwd: root }).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  return await Deno.readFile(output);
}

Deno.test("the module is up to date with its sources: else run deno task client", async () => {
  const folder = await Deno.makeTempDir({ prefix: "weir-" });
  try {
    const same = equal(await make(`${folder}/client.js`), await bytesOf());
    assertEquals(same, true, `${committed} is not up to date: run deno task client`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("the module has at most 14 KiB gzipped", async () => {
  assertLessOrEqual(gzipSync(await bytesOf(), { level: 9 }).length, maxGzipped);
});

Deno.test("the module imports nothing and exports what applications use", async () => {
  const text = await textOf();
  assertEquals(text.match(/\bimport\b.{0,40}|\brequire\(.{0,40}|\bfrom\s*"[^"]*"/g), null);
  const module: Record<string, unknown> = await import(new URL(committed, root).href);
  const names = ["Client", "Consumer", "Producer", "Subscription", "WeirError", "connect"];
  assertEquals(Object.keys(module).sort(), names);
});

Deno.test("two gateways serve the same bytes under the same tag", async () => {
  await using first = await Gateway.start();
  await using second = await Gateway.start();
  const wanted = new TextDecoder().decode(await bytesOf());
  const tags: (string | null)[] = [];
  for (const gateway of [first, second]) {
    const { status, type, text, headers } = await call(gateway, "GET", path);
    assertEquals([status, type], [200, "text/javascript; charset=utf-8"]);
    assertEquals(text === wanted, true, "other bytes than those of the file");
    assertEquals(headers.get("cache-control"), "no-cache");
    assertEquals(headers.get("x-content-type-options"), "nosniff");
    tags.push(headers.get("etag"));
  }
  assertMatch(tags[0] ?? "", /^"[0-9a-f]{32}"$/);
  assertEquals(tags[0], tags[1]);
});

Deno.test("any gateway answers 304 to a client that has the module, and 200 to others", async () => {
  await using first = await Gateway.start();
  await using second = await Gateway.start();
  const tag = (await call(first, "GET", path)).headers.get("etag") ?? "";
  for (const known of [tag, `W/${tag}`, `"other", ${tag}`, "*"]) {
    const { status, text, headers } = await call(second, "GET", path, undefined, {
      "if-none-match": known,
    });
    assertEquals([status, text, headers.get("etag")], [304, "", tag], known);
    assertEquals(headers.get("cache-control"), "no-cache");
  }
  const other = await call(second, "GET", path, undefined, { "if-none-match": `"other"` });
  assertEquals([other.status, other.headers.get("etag")], [200, tag]);
});

function equal(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, i) => byte === other[i]);
}
