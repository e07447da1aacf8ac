import { anyCrowd } from "../support/any_crowd.ts";
import { assertRejects, assertStringIncludes } from "@std/assert";
import type { Listener } from "../../src/server/upgrade.ts";
import { listen } from "../../src/server/ws_listener.ts";

function listenOn(
  port: number,
  answer: () => Response | Promise<Response> = () => new Response("ok"),
): Promise<Listener> {
  return listen({
    host: "127.0.0.1",
    port,
    ...anyCrowd,
    rules: { open: false, origins: [] },
    telemetry: { count() {}, observe() {}, report() {} },
    fetch: answer,
    connect: () => ({ receive() {}, writable() {}, closed() {}, congested: false, greeted: true }),
  });
}

Deno.test("a port that is taken is refused", async () => {
  const listener = await listenOn(0);
  await assertRejects(() => listenOn(Number(new URL(listener.url).port)), Error, "EADDRINUSE");
  await listener.close();
});

Deno.test("when the server closes, a request that is being answered gets its answer", async () => {
  const { promise: asked, resolve: ask } = Promise.withResolvers<void>();
  const { promise: answer, resolve: give } = Promise.withResolvers<Response>();
  const listener = await listenOn(0, () => {
    ask();
    return answer;
  });
  const response = fetch(listener.url);
  await asked;
  const closed = listener.close();
  give(new Response("here it is"));
  assertStringIncludes(await (await response).text(), "here it is");
  await closed;
});
