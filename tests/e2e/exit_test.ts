/** When the process must end by itself it says why, in one line, and its clients are let go. */

import { assertEquals } from "@std/assert";
import { Client } from "../support/client.ts";
import { Denokv, denokvTest } from "../support/denokv.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/free_port.ts";
import { Gateway } from "../support/gateway.ts";
import { makeTopic } from "../support/http.ts";

denokvTest(
  "a gateway that has lost its store ends with 75 and one line, and its readers are let go",
  async () => {
    const denokv = await Denokv.start();
    const said: string[] = [];
    const environment = { ...denokv.environment, WEIR_LEASE_MS: "500", WEIR_REPORTS: "error" };
    await using gateway = await Gateway.start(environment, (line) => said.push(line));
    const client = await Client.open(gateway);
    await client.subscribe(await makeTopic(gateway, 1));
    await denokv[Symbol.asyncDispose]();
    assertEquals((await gateway.ended()).code, 75);
    await eventually("a line says why", () => said.length > 0);
    assertEquals(said, ["weir ends: it has been out of touch with its store for too long"]);
    assertEquals((await client.closed).wasClean, false, "as any that dies: they connect elsewhere");
  },
);

Deno.test("where it cannot listen it ends with 1, and one line says where", async () => {
  await using gateway = await Gateway.start();
  const port = String(gateway.port);
  for (
    const environment of [{ PORT: port }, { PORT: String(freePort()), WEIR_METRICS_PORT: port }]
  ) {
    const { code, stderr } = await Gateway.refused(environment);
    assertEquals(code, 1);
    assertEquals(/^Cannot listen on 127\.0\.0\.1:(\d+): [^\n]+\n$/.exec(stderr)?.[1], port, stderr);
  }
});

Deno.test("it ends though nobody is left to read why", async () => {
  await using gateway = await Gateway.start({ WEIR_DRAIN_MS: "60000" }, "nobody");
  const topic = await makeTopic(gateway, 1);
  await using member = await Client.open(gateway);
  await member.join("group", [topic]);
  await member.until("assign", ({ partitions }) => partitions.length === 1);
  gateway.signal("SIGTERM");
  await member.until("revoke");
  gateway.signal("SIGTERM");
  let code: number | undefined;
  void gateway.ended().then((status) => code = status.code);
  await eventually("it has ended", () => code !== undefined);
  assertEquals(code, 1);
});
