/** What operators see of a running gateway: its audit lines, and metrics on a port of their own. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { Client } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/free_port.ts";
import { Gateway } from "../support/gateway.ts";
import { call, fresh } from "../support/http.ts";
import { SECRET, tokenFor } from "../support/token.ts";

Deno.test("admin verbs over HTTP leave one line each, with the subject, and no line has a token or a payload", async () => {
  const lines: string[] = [];
  const environment = { WEIR_JWT_SECRET: SECRET, WEIR_REPORTS: "debug" };
  await using gateway = await Gateway.start(environment, (line) => lines.push(line));
  const [topic, group] = [fresh("topic"), fresh("group")];
  const bearer = async (sub: string, admin: boolean) => ({
    authorization: `Bearer ${await tokenFor(sub, { publish: ["*"], admin })}`,
  });
  const [ada, eve] = [await bearer("ada", true), await bearer("eve\n\u202e", false)];
  const changes: readonly [string, string, unknown, Record<string, string>, number][] = [
    ["PUT", `/v1/topics/${topic}`, { partitions: 1 }, ada, 201],
    ["PUT", `/v1/topics/${topic}`, { partitions: 1, retentionMs: 60_000 }, ada, 200],
    ["POST", `/v1/topics/${topic}/records`, { records: [{ value: "the payload" }] }, ada, 200],
    ["DELETE", `/v1/topics/${topic}`, undefined, eve, 403],
    ["DELETE", `/v1/topics/${"x".repeat(900)}%0a`, undefined, ada, 400],
    ["PUT", `/v1/groups/${group}/offsets`, [{ topic, partition: 0, offset: 0 }], ada, 400],
    ["DELETE", `/v1/groups/${group}`, undefined, ada, 404],
    ["DELETE", `/v1/topics/${topic}`, undefined, ada, 204],
    ["DELETE", `/v1/topics/${topic}`, undefined, {}, 401],
  ];
  for (const [method, path, body, headers, status] of changes) {
    const answer = await call(gateway, method, path, body, headers);
    assertEquals(answer.status, status, `${method} ${path}: ${answer.text}`);
  }
  const token = ada.authorization.slice("Bearer ".length);
  await using client = await Client.open(gateway, { hello: false });
  await client.refused("unauthenticated", { type: "hello", token: `${token}x` });
  await eventually(
    "the last line has come",
    () => lines.some((line) => line.includes("delete group")),
  );
  await gateway.stop("SIGKILL");

  const told = lines.map((line) => JSON.parse(line)).filter(({ message }) => message === "audit");
  const long = `${"x".repeat(128)}…`;
  assertEquals(told.map(({ time: _, message: __, ...line }) => line), [
    { level: "info", verb: "put topic", object: topic, subject: "ada", outcome: "made" },
    { level: "info", verb: "put topic", object: topic, subject: "ada", outcome: "done" },
    {
      level: "info",
      verb: "delete topic",
      object: topic,
      subject: "eve\n\u202e",
      outcome: "forbidden",
    },
    { level: "info", verb: "delete topic", object: long, subject: "ada", outcome: "invalid_frame" },
    { level: "info", verb: "set offsets", object: group, subject: "ada", outcome: "invalid_frame" },
    {
      level: "info",
      verb: "delete group",
      object: group,
      subject: "ada",
      outcome: "unknown_group",
    },
    { level: "info", verb: "delete topic", object: topic, subject: "ada", outcome: "done" },
  ]);
  for (const line of lines) {
    assert(!/eyJ|the payload|[^\x20-\x7e…]/.test(line), line);
  }
});

Deno.test("with WEIR_METRICS_PORT metrics are there, for whoever asks, and nothing else is; elsewhere they are not", async () => {
  const port = freePort();
  const environment = { WEIR_METRICS_PORT: String(port), WEIR_JWT_SECRET: SECRET };
  await using gateway = await Gateway.start(environment);
  const numbers = await fetch(`http://127.0.0.1:${port}/metrics`);
  assertEquals(numbers.status, 200);
  assertMatch(await numbers.text(), /^weir_sessions \d+$/m);
  const authorization = `Bearer ${await tokenFor("ada", { admin: true })}`;
  const here = await call(gateway, "GET", "/metrics", undefined, { authorization });
  assertEquals(here.status, 404);
  for (const path of ["/v1/topics", "/healthz", "/", "/v1/connect"]) {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { authorization } });
    await answer.body?.cancel();
    assertEquals(answer.status, 404, path);
  }
  const foreign = await fetch(`http://127.0.0.1:${port}/metrics`, {
    headers: { origin: "https://evil.example" },
  });
  assertEquals((await foreign.json()).code, "forbidden");
});

Deno.test("without it metrics need admin where a key is configured", async () => {
  await using gateway = await Gateway.start({ WEIR_JWT_SECRET: SECRET });
  const status = async (headers: Record<string, string>) =>
    (await call(gateway, "GET", "/metrics", undefined, headers)).status;
  const bearer = async (admin: boolean) => ({
    authorization: `Bearer ${await tokenFor("ada", { admin })}`,
  });
  assertEquals(await status({}), 401);
  assertEquals(await status(await bearer(false)), 403);
  assertEquals(await status(await bearer(true)), 200);
});
