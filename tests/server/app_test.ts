import { assertEquals } from "@std/assert";
import { GatewayError } from "../../src/errors.ts";
import { createApp } from "../../src/server/app.ts";

const listed = "https://app.example";
const app = createApp({
  rules: { open: false, origins: [listed] },
  telemetry: { count() {}, observe() {}, report() {} },
  routes: {
    "/v1/things/:thing": {
      GET: (_, { thing }) => Response.json({ thing }),
      DELETE: () => {
        throw new GatewayError("overloaded", "Too much at once", { retryAfterMs: 1_200 });
      },
      PUT: () => {
        throw new Error("the secret of the house");
      },
    },
  },
});

function request(method: string, path: string, headers: Record<string, string> = {}) {
  return app(
    new Request(`http://localhost${path}`, { method, headers: { host: "localhost", ...headers } }),
  );
}

Deno.test("a route gets the decoded parts of its path", async () => {
  const response = await request("GET", "/v1/things/a%20b");
  assertEquals(await response.json(), { thing: "a b" });
});

Deno.test("HEAD is GET without the body", async () => {
  const response = await request("HEAD", "/v1/things/a");
  assertEquals([response.status, await response.text()], [200, ""]);
});

Deno.test("a wrong method on a known path is 405, with the right ones in Allow", async () => {
  for (const method of ["POST", "PATCH", "OPTIONS"]) {
    const response = await request(method, "/v1/things/a");
    assertEquals(response.status, 405);
    assertEquals(response.headers.get("allow"), "GET, HEAD, DELETE, PUT");
    assertEquals(response.headers.get("content-type"), "application/problem+json");
    assertEquals((await response.json()).code, "unknown_type");
  }
});

Deno.test("an unknown path is unknown_type, 404", async () => {
  for (const path of ["/", "/v1", "/v1/things", "/v1/things/", "/v1/things/a/b", "/V1/things/a"]) {
    const response = await request("GET", path);
    assertEquals(response.status, 404, path);
    assertEquals((await response.json()).code, "unknown_type", path);
  }
});

Deno.test("an error is a problem with the members that a frame has", async () => {
  const response = await request("DELETE", "/v1/things/a");
  assertEquals(response.status, 503);
  assertEquals(response.headers.get("retry-after"), "2");
  assertEquals(await response.json(), {
    title: "Service Unavailable",
    status: 503,
    code: "overloaded",
    message: "Too much at once",
    retry: "same",
    effect: "none",
    retryAfterMs: 1_200,
  });
});

Deno.test("a bug of ours is internal, and says nothing of what it was", async () => {
  const response = await request("PUT", "/v1/things/a");
  const text = await response.text();
  assertEquals(response.status, 500);
  assertEquals(JSON.parse(text).code, "internal");
  assertEquals(text.includes("secret"), false);
});

Deno.test("the guards stand before every path, even unknown ones", async () => {
  for (const path of ["/v1/things/a", "/nowhere"]) {
    const foreign = await request("GET", path, { origin: "https://evil.example" });
    assertEquals(foreign.status, 403);
    assertEquals((await foreign.json()).code, "forbidden");
    assertEquals((await request("GET", path, { host: "evil.example" })).status, 403);
  }
});

Deno.test("a listed origin gets CORS headers on every answer, and its preflights", async () => {
  const origin = { origin: listed };
  for (
    const [method, path] of [["GET", "/v1/things/a"], ["DELETE", "/v1/things/a"], ["GET", "/"]]
  ) {
    const { headers } = await request(method!, path!, origin);
    assertEquals(headers.get("access-control-allow-origin"), listed);
    assertEquals(headers.get("vary"), "origin");
  }
  const preflight = await request("OPTIONS", "/v1/things/a", {
    ...origin,
    "access-control-request-method": "PUT",
  });
  assertEquals(preflight.status, 204);
  assertEquals(preflight.headers.get("access-control-allow-methods"), "GET, PUT, POST, DELETE");
  assertEquals(preflight.headers.get("access-control-allow-origin"), listed);
});

Deno.test("without an origin, or from the gateway's own, there are no CORS headers", async () => {
  for (const headers of [{}, { origin: "http://localhost" }]) {
    const response = await request("GET", "/v1/things/a", headers);
    assertEquals(response.status, 200);
    assertEquals(response.headers.has("access-control-allow-origin"), false);
  }
});
