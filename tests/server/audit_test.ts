import { assertEquals, assertRejects } from "@std/assert";
import { GatewayError } from "../../src/errors.ts";
import { ANYONE } from "../../src/identity/identity.ts";
import type { Method, Routes } from "../../src/server/app.ts";
import { audited } from "../../src/server/audit.ts";

const ada = { ...ANYONE, subject: "ada", address: "203.0.113.7" };

/** The audited routes, and the lines that they report. */
function auditedRoutes(routes: Routes): { routes: Routes; told: unknown[] } {
  const told: unknown[] = [];
  const telemetry = {
    count() {},
    observe() {},
    report: (...line: unknown[]) => told.push(line),
  };
  return { routes: audited(routes, telemetry), told };
}

async function ask(routes: Routes, method: Method, path: string, params: Record<string, string>) {
  return await routes[path]![method]!(new Request("http://localhost/"), params, ada);
}

const answer = (status: number) => () => new Response(null, { status });

Deno.test("each change over HTTP is audited once: verb, object, subject, outcome", async () => {
  const { routes, told } = auditedRoutes({
    "/v1/topics/:topic": { PUT: answer(201), DELETE: answer(204) },
    "/v1/groups/:group": { DELETE: answer(204) },
    "/v1/groups/:group/offsets": { PUT: answer(200) },
  });
  await ask(routes, "PUT", "/v1/topics/:topic", { topic: "gps" });
  await ask(routes, "DELETE", "/v1/topics/:topic", { topic: "gps" });
  await ask(routes, "DELETE", "/v1/groups/:group", { group: "fares" });
  await ask(routes, "PUT", "/v1/groups/:group/offsets", { group: "fares" });
  const line = (
    verb: string,
    object: string,
    outcome: string,
  ) => ["info", "audit", { verb, object, subject: "ada", outcome }];
  assertEquals(told, [
    line("put topic", "gps", "made"),
    line("delete topic", "gps", "done"),
    line("delete group", "fares", "done"),
    line("set offsets", "fares", "done"),
  ]);
});

Deno.test("a failed attempt is audited with its code, and fails all the same", async () => {
  for (
    const [error, outcome] of [
      [new GatewayError("forbidden", "The token has no admin grant"), "forbidden"],
      [new Error("a bug"), "internal"],
    ] as const
  ) {
    const failing = () => Promise.reject(error);
    const { routes, told } = auditedRoutes({ "/v1/topics/:topic": { DELETE: failing } });
    const thrown = await assertRejects(() =>
      ask(routes, "DELETE", "/v1/topics/:topic", { topic: "gps" })
    );
    assertEquals(thrown, error);
    assertEquals(told, [
      ["info", "audit", { verb: "delete topic", object: "gps", subject: "ada", outcome }],
    ]);
  }
});

Deno.test("reads, publishes and requests for a producer are not audited", async () => {
  const { routes, told } = auditedRoutes({
    "/v1/topics/:topic": { GET: answer(200) },
    "/v1/topics/:topic/records": { POST: answer(200) },
    "/v1/producers": { POST: answer(200) },
  });
  await ask(routes, "GET", "/v1/topics/:topic", { topic: "gps" });
  await ask(routes, "POST", "/v1/topics/:topic/records", { topic: "gps" });
  await ask(routes, "POST", "/v1/producers", {});
  assertEquals(told, []);
});
