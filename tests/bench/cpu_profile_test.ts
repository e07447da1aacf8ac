/** A profile is summed up by what was at work itself, and idle time is not work. */

import { assertEquals } from "@std/assert";
import { groupOf, summarise } from "./cpu_profile.ts";

const frame = (functionName: string, url: string) => ({ functionName, url, lineNumber: 9 });

Deno.test("a summary has the time of each function and folder, without idle time", () => {
  const summary = summarise([{
    nodes: [
      { id: 1, callFrame: frame("(idle)", "") },
      { id: 2, callFrame: frame("append", "file:///weir/src/log/log.ts") },
      { id: 3, callFrame: frame("", "file:///weir/src/log/batch.ts") },
      { id: 4, callFrame: frame("decode", "file:///weir/src/protocol/codec.ts") },
    ],
    samples: [1, 2, 3, 4, 2],
    timeDeltas: [50_000, 1_000, 2_000, 4_000, 3_000],
  }]);
  assertEquals(summary.busyMs, 10);
  assertEquals(summary.functions.map(({ name, ms }) => [name, ms]), [
    ["append  src/log/log.ts:10", 4],
    ["decode  src/protocol/codec.ts:10", 4],
    ["(anonymous)  src/log/batch.ts:10", 2],
  ]);
  assertEquals(summary.groups, [
    { name: "src/log/", ms: 6, part: 0.6 },
    { name: "src/protocol/", ms: 4, part: 0.4 },
  ]);
});

Deno.test("a function belongs to a folder of ours, a package or the runtime", () => {
  const groups = [
    ["tick", "file:///weir/src/gateway.ts"],
    ["send", "file:///cache/npm/registry.npmjs.org/ws/8.0.0/lib/sender.js"],
    ["parse", "file:///cache/npm/registry.npmjs.org/@deno/kv/0.1.0/src/kv.ts"],
    ["write", "ext:core/01_core.js"],
    ["emit", "node:events"],
    ["(garbage collector)", ""],
    ["writev", ""],
  ].map(([functionName = "", url = ""]) => groupOf({ functionName, url }));
  assertEquals(groups, [
    "src/",
    "npm:ws",
    "npm:@deno/kv",
    "ext:core",
    "node:",
    "(garbage collector)",
    "(built in)",
  ]);
});
