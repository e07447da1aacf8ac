/**
 * Tests that programs run under Node, Bun and Deno, each with a `WebSocket` that the gateway
 * accepts.
 */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { Gateway } from "./gateway.ts";
import { runtimeTest, runUnder } from "./runtimes.ts";

const shared = Gateway.shared();
const program = new URL("./say_hello.mjs", import.meta.url);

await runtimeTest("a program gets the reply to hello", async (runtime) => {
  const { code, stdout, stderr } = await runUnder(runtime, program, [shared.gateway.socketUrl]);
  assertEquals({ code, stderr }, { code: 0, stderr: "" });
  assertStringIncludes(stdout, 'weir.v1 {"type":"ok","id":1,"session":"');
});

await runtimeTest("a program that cannot connect ends with its own code", async (runtime) => {
  assertEquals((await runUnder(runtime, program, ["ws://127.0.0.1:1"])).code, 1);
});
