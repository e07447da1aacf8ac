import { assertEquals, assertThrows } from "@std/assert";
import { GatewayError } from "../../src/errors.ts";
import { admit } from "../../src/server/admission.ts";

const listed = "https://app.example";
const closed = { open: false, origins: [listed] };
const open = { open: true, origins: [listed] };

function verdict(...request: Parameters<typeof admit>): string {
  try {
    return admit(...request) ?? "let in";
  } catch (error) {
    return error instanceof GatewayError ? error.code : String(error);
  }
}

Deno.test("a gateway that is not open answers only to loopback names", () => {
  for (const host of ["localhost", "LOCALHOST:8080", "127.0.0.1:1", "[::1]:8080", "[::1]"]) {
    assertEquals(verdict(closed, host, undefined), "let in", host);
  }
  const foreign = [
    "evil.example",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "0.0.0.0",
    "",
  ];
  for (const host of foreign) {
    assertEquals(verdict(closed, host, undefined), "forbidden", host);
    assertEquals(verdict(open, host, undefined), "let in", host);
  }
  assertEquals(verdict(closed, undefined, undefined), "forbidden");
});

Deno.test("a request without an Origin is no browser's, and is let in", () => {
  assertEquals(verdict(open, "weir.example", undefined), "let in");
});

Deno.test("the gateway's own origin is let in, whatever the scheme in front of it", () => {
  const own: readonly [host: string, origin: string][] = [
    ["weir.example", "https://weir.example"],
    ["weir.example", "http://weir.example"],
    ["weir.example:443", "https://weir.example"],
    ["weir.example:8080", "http://weir.example:8080"],
    ["Weir.Example", "https://weir.example"],
    ["[::1]:8080", "http://[::1]:8080"],
  ];
  for (const [host, origin] of own) assertEquals(verdict(open, host, origin), "let in", origin);
});

Deno.test("a listed origin is let in and named in the CORS headers as it was sent", () => {
  for (const origin of [listed, "https://app.example:443", "https://APP.example"]) {
    assertEquals(verdict(open, "weir.example", origin), origin);
  }
});

Deno.test("any other origin is forbidden, and null always", () => {
  const foreign = [
    "null",
    "",
    "https://evil.example",
    "https://app.example.evil",
    "http://app.example",
    "https://app.example:8443",
    "https://weir.example:8443",
    "https://app.example, https://app.example",
    "https://app.example/",
  ];
  for (const origin of foreign) {
    assertEquals(verdict(open, "weir.example", origin), "forbidden", origin);
  }
  assertThrows(
    () => admit({ open: true, origins: [] }, "weir.example", "null"),
    GatewayError,
    "null",
  );
});
