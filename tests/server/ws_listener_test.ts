import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { HTTP } from "../../src/limits.ts";
import type { Listener } from "../../src/server/upgrade.ts";
import { listen, type WsListenOptions } from "../../src/server/ws_listener.ts";
import { anyListener } from "../support/any_listener.ts";
import { eventually } from "../support/eventually.ts";
import { RawConnection, upgradeRequest } from "../support/raw_http.ts";

function listenOn(
  port: number,
  more: Partial<WsListenOptions> = {},
): Promise<Listener> {
  return listen({ ...anyListener, port, ...more });
}

Deno.test("a port that is taken is refused", async () => {
  const listener = await listenOn(0);
  await assertRejects(() => listenOn(Number(new URL(listener.url).port)), Error, "EADDRINUSE");
  await listener.close();
});

Deno.test("when the server closes, a request that is being answered gets its answer", async () => {
  const { promise: asked, resolve: ask } = Promise.withResolvers<void>();
  const { promise: answer, resolve: give } = Promise.withResolvers<Response>();
  const listener = await listenOn(0, {
    fetch() {
      ask();
      return answer;
    },
  });
  const response = fetch(listener.url);
  await asked;
  const closed = listener.close();
  give(new Response("here it is"));
  assertStringIncludes(await (await response).text(), "here it is");
  await closed;
});

/** This many pipelined requests, whose responses wait until `give` is called. */
async function pipelined(
  count: number,
  run: (connection: RawConnection, begun: () => number, give: () => void) => Promise<void>,
) {
  let begun = 0;
  const { promise: given, resolve: give } = Promise.withResolvers<void>();
  const listener = await listenOn(0, {
    async fetch() {
      begun++;
      await given;
      return new Response("here it is");
    },
  });
  const connection = new RawConnection(listener.url);
  connection.send("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".repeat(count));
  await run(connection, () => begun, give);
  await connection.close();
  await listener.close();
}

Deno.test("pipelined requests up to the limit are all answered", () =>
  pipelined(HTTP.pipelinedRequests, async (connection, _, give) => {
    give();
    const answers = () => connection.received.toString().split("here it is").length - 1;
    await connection.until(() => answers() === HTTP.pipelinedRequests);
    assertEquals(answers(), HTTP.pipelinedRequests);
    // Requests that are answered no longer count.
    connection.send("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    await connection.until(() => answers() > HTTP.pipelinedRequests);
    assertEquals(connection.closed, false);
  }));

Deno.test("more pipelined requests than that cut the connection, and no more are begun", () =>
  pipelined(1_000, async (connection, begun, give) => {
    await eventually("it is cut", () => connection.closed);
    give();
    assertEquals(begun() <= 1, true, `${begun()} were begun`);
    assertEquals(connection.received.length, 0);
  }));

Deno.test("a request behind an endless stream is not begun, not even when the connection is lost", async () => {
  const begun: string[] = [];
  const { promise: cancelled, resolve: cancel } = Promise.withResolvers<void>();
  const listener = await listenOn(0, {
    fetch: ({ url }) => {
      begun.push(new URL(url).pathname);
      return new Response(new ReadableStream({ cancel }));
    },
  });
  const connection = new RawConnection(listener.url);
  const paths = ["/first", "/second", "/third"];
  connection.send(paths.map((path) => `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`).join(""));
  await connection.until((received) => received.includes("\r\n\r\n"));
  await connection.close();
  await cancelled;
  await listener.close();
  assertEquals(begun, ["/first"]);
});

/** Endless data, as fast as it is read. */
function endless(cancel: () => void): ReadableStream<Uint8Array> {
  return new ReadableStream({
    pull: (controller) => controller.enqueue(new Uint8Array(64 * 1024)),
    cancel,
  }, { highWaterMark: 0 });
}

/** One byte every 30 ms. */
function drops(): ReadableStream<Uint8Array> {
  let timer: ReturnType<typeof setInterval>;
  return new ReadableStream({
    start(controller) {
      timer = setInterval(() => controller.enqueue(new Uint8Array(1)), 30);
    },
    cancel: () => clearInterval(timer),
  });
}

Deno.test("a client that does not read a response is cut off, but not one that reads, nor a silent socket", async () => {
  const cut = Promise.withResolvers<void>();
  const listener = await listenOn(0, {
    stillMs: 300,
    fetch: ({ url }) => new Response(url.endsWith("/endless") ? endless(cut.resolve) : drops()),
  });
  const open = () => new RawConnection(listener.url);
  const [socket, reader, other] = [open(), open(), open()];
  socket.send(upgradeRequest("/v1/connect"));
  await socket.until((received) => received.includes("\r\n\r\n"));
  const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`;
  reader.send(get("/drops"));
  other.socket.pause();
  other.send(get("/endless"));
  await cut.promise;
  const had = reader.received.length;
  await reader.until(({ length }) => length > had);
  assertEquals([reader.closed, socket.closed], [false, false]);
  for (const connection of [socket, reader, other]) await connection.close();
  await listener.close();
});
