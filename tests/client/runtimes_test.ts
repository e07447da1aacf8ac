/**
 * The client under Node, Bun and Deno: the module that pages load, in a program that does what
 * applications do. All runtimes must see the same.
 */

import { assertEquals } from "@std/assert";
import { Gateway } from "../support/gateway.ts";
import { describeGroup, json } from "../support/http.ts";
import { runtimeTest, runUnder } from "../support/runtimes.ts";

const program = new URL("./runtime_program.mjs", import.meta.url);
const module = new URL("../../src/server/pages/client.js", import.meta.url).href;

/** One partition, so that every offset is known. */
async function makeTopics(gateway: Gateway): Promise<void> {
  for (const topic of ["cabs", "sums", "raw"]) {
    await json(gateway, "PUT", `/v1/topics/${topic}`, { partitions: 1 }, 201);
  }
}

function at(...offsets: number[]) {
  return offsets.map((offset) => ({ partition: 0, offset }));
}

await runtimeTest("the client publishes, reads, commits and transacts", async (runtime) => {
  await using gateway = await Gateway.start();
  await makeTopics(gateway);
  const ran = await runUnder(runtime, program, ["use", module, gateway.origin]);
  assertEquals([ran.code, ran.stderr], [0, ""]);
  assertEquals(JSON.parse(ran.stdout), {
    published: { places: at(0, 1), duplicate: false },
    produced: [2, 3, 4].map((offset) => ({ places: at(offset), duplicate: false })),
    followed: [0, 1, 2, 3, 4],
    sought: [3, 4],
    consumed: [0, 1, 2],
    transacted: [{ places: at(0), duplicate: false }],
    consumedNext: [3, 4],
    sums: [3],
    bytes: [true, [0, 127, 128, 255], { kind: "bytes" }],
    refused: { name: "WeirError", code: "invalid_frame", retry: "never", effect: "none" },
    aborted: "not now",
    closed: { name: "WeirError", code: "closed", retry: "never", effect: "none" },
  });
  const { members, offsets } = await describeGroup(gateway, "tally");
  assertEquals([members, offsets[0]?.offset], [[], 3]);
});

await runtimeTest("the client comes back to a gateway that was killed", async (runtime) => {
  const folder = await Deno.makeTempDir({ prefix: "weir-" });
  const environment = { WEIR_STORE: `${folder}/weir.kv` };
  const gateways = [await Gateway.start(environment)];
  const [{ origin, port }] = gateways as [Gateway];
  await makeTopics(gateways[0]!);
  // The program tells when: only it knows that it has failed to connect.
  const control = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, async ({ url }) => {
    if (url.endsWith("/kill")) await gateways[0]!.stop("SIGKILL");
    else gateways.push(await Gateway.start({ ...environment, PORT: String(port) }));
    return new Response();
  });
  try {
    const listens = `http://127.0.0.1:${control.addr.port}`;
    const ran = await runUnder(runtime, program, ["reconnect", module, origin, listens]);
    assertEquals([ran.code, ran.stderr], [0, ""]);
    assertEquals(JSON.parse(ran.stdout), {
      // Reported by the socket, if only by an error, and not detected after 10 s.
      reason: "the connection closed with 1006",
      places: at(3, 4, 5),
      read: [0, 1, 2, 3, 4, 5],
      consumed: [0, 1, 2, 3, 4, 5],
      statuses: ["open", "waiting", "connecting", "waiting", "open", "closed"],
    });
  } finally {
    await control.shutdown();
    for (const gateway of gateways) await gateway.stop("SIGKILL");
    await Deno.remove(folder, { recursive: true });
  }
});
