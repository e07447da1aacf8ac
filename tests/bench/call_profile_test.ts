/** Tests that a profile is summarised by self cost, without idle time. */

import { assertEquals } from "@std/assert";
import {
  type AllocationNode,
  allocationProfile,
  groupOf,
  summarise,
  timeProfile,
} from "./call_profile.ts";

const frame = (functionName: string, url: string) => ({ functionName, url, lineNumber: 9 });

Deno.test("a summary has the time of each function and folder, without idle time", () => {
  const summary = summarise([timeProfile({
    nodes: [
      { id: 1, callFrame: frame("(idle)", "") },
      { id: 2, callFrame: frame("append", "file:///weir/src/log/log.ts") },
      { id: 3, callFrame: frame("", "file:///weir/src/log/batch.ts") },
      { id: 4, callFrame: frame("decode", "file:///weir/src/protocol/codec.ts") },
    ],
    samples: [1, 2, 3, 4, 2],
    timeDeltas: [50_000, 1_000, 2_000, 4_000, 3_000],
  })]);
  assertEquals(summary.total, 10);
  assertEquals(summary.functions.map(({ name, took }) => [name, took]), [
    ["append  src/log/log.ts:10", 4],
    ["decode  src/protocol/codec.ts:10", 4],
    ["(anonymous)  src/log/batch.ts:10", 2],
  ]);
  assertEquals(summary.groups, [
    { name: "src/log/", took: 6, part: 0.6 },
    { name: "src/protocol/", took: 4, part: 0.4 },
  ]);
});

Deno.test("what was taken belongs to the step that began nearest to it", () => {
  const node = (name: string, selfSize: number, children: AllocationNode[] = []) => ({
    id: selfSize,
    callFrame: frame(name, `file:///weir/src/${name}.ts`),
    selfSize,
    children,
  });
  const tree = node("root", 1, [node("read", 2, [node("decode", 4, [node("check", 8)])])]);
  const { steps } = summarise([allocationProfile(tree)], [
    { name: "reading", begins: ["read read.ts"] },
    { name: "decoding", begins: ["decode decode.ts", "encode encode.ts"] },
    { name: "writing", begins: ["write write.ts"] },
  ]);
  assertEquals(steps, [
    { name: "reading", took: 2, part: 2 / 15 },
    { name: "decoding", took: 12, part: 12 / 15 },
    { name: "writing", took: 0, part: 0 },
    { name: "elsewhere", took: 1, part: 1 / 15 },
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
