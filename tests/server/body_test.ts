import { assertEquals, assertRejects } from "@std/assert";
import { GatewayError } from "../../src/errors.ts";
import { HTTP } from "../../src/limits.ts";
import { readBody } from "../../src/server/body.ts";

function post(body: BodyInit | null, headers: Record<string, string> = {}): Request {
  return new Request("http://localhost/", { method: "POST", body, headers });
}

/** A body in chunks, without its length; counts how many were read. */
function pieces(
  count: number,
  bytes: number,
): { stream: ReadableStream<Uint8Array>; taken: number } {
  const made = {
    taken: 0,
    stream: new ReadableStream<Uint8Array>({
      pull(controller) {
        if (made.taken++ < count) controller.enqueue(new Uint8Array(bytes).fill(65));
        else controller.close();
      },
    }),
  };
  return made;
}

Deno.test("a body is read whole, in whatever pieces it arrives", async () => {
  assertEquals(new TextDecoder().decode(await readBody(post("hello"))), "hello");
  assertEquals((await readBody(post(pieces(3, 1_000).stream))).length, 3_000);
  assertEquals((await readBody(post(null))).length, 0);
  assertEquals((await readBody(post("x".repeat(HTTP.bodyBytes)))).length, HTTP.bodyBytes);
});

Deno.test("a body that says that it is too large is not read", async () => {
  const announced = post("x", { "content-length": String(HTTP.bodyBytes + 1) });
  await assertRejects(() => readBody(announced), GatewayError, "1048576");
});

Deno.test("a body that turns out to be too large is read no further", async () => {
  const endless = pieces(Infinity, 64 * 1024);
  const error = await assertRejects(() => readBody(post(endless.stream)), GatewayError);
  assertEquals(error.code, "batch_too_large");
  assertEquals(endless.taken <= HTTP.bodyBytes / (64 * 1024) + 2, true);
});
