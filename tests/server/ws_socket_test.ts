import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { ADVERTISED, HTTP } from "../../src/limits.ts";
import { listen } from "../../src/server/ws_listener.ts";
import type { Line } from "../../src/server/upgrade.ts";
import type { Wire } from "../../src/session/wire.ts";
import {
  clientFrame,
  closeCode,
  exchange,
  RawConnection,
  upgradeRequest,
} from "../support/raw_http.ts";

const text = 1;
const binary = 2;
const silent = { count() {}, observe() {}, report() {} };

/** Listens with sessions that `make` makes, and calls `run` with the address. */
async function withSockets(
  make: (wire: Wire) => Partial<Line>,
  run: (url: string) => Promise<void>,
): Promise<void> {
  const listener = await listen({
    host: "127.0.0.1",
    port: 0,
    rules: { open: false, origins: ["https://app.example"] },
    telemetry: silent,
    fetch: () => new Response("ok"),
    connect(wire) {
      const silent = { receive() {}, writable() {}, closed() {}, congested: false };
      // Not a spread: `congested` may be a getter, which would then be read once and for all.
      return Object.defineProperties(silent, Object.getOwnPropertyDescriptors(make(wire)));
    },
  });
  try {
    await run(listener.url);
  } finally {
    await listener.close();
  }
}

const echo = (wire: Wire): Partial<Line> => ({ receive: (message) => wire.send(message) });

/** Opens a socket by hand, past its handshake. */
async function open(url: string): Promise<RawConnection> {
  const connection = new RawConnection(url);
  connection.send(upgradeRequest("/v1/connect"));
  await connection.until((received) => received.includes("\r\n\r\n"));
  assertMatch(
    connection.received.toString(),
    /^HTTP\/1.1 101 .*Sec-WebSocket-Protocol: weir.v1\r\n/s,
  );
  connection.received = connection.received.subarray(0, 0);
  return connection;
}

const refusals: readonly [string, string, RegExp][] = [
  [
    "no subprotocol",
    upgradeRequest("/v1/connect", { "Sec-WebSocket-Protocol": undefined }),
    /^400/,
  ],
  [
    "only unknown subprotocols",
    upgradeRequest("/v1/connect", { "Sec-WebSocket-Protocol": "weir.v2, chat" }),
    /^400.*"code":"invalid_frame"/s,
  ],
  ["another path", upgradeRequest("/v1/other"), /^404.*"code":"unknown_type"/s],
  ["a foreign host", upgradeRequest("/v1/connect", { Host: "evil.example" }), /^403/],
  [
    "a foreign origin",
    upgradeRequest("/v1/connect", { Origin: "https://evil.example" }),
    /^403.*application\/problem\+json.*"code":"forbidden"/s,
  ],
  ["the origin null", upgradeRequest("/v1/connect", { Origin: "null" }), /^403/],
  ["no key", upgradeRequest("/v1/connect", { "Sec-WebSocket-Key": undefined }), /^400/],
  ["another version", upgradeRequest("/v1/connect", { "Sec-WebSocket-Version": "7" }), /^400/],
  ["another upgrade", upgradeRequest("/v1/connect", { Upgrade: "h2c" }), /^400/],
];

for (const [what, request, expected] of refusals) {
  Deno.test(`a handshake with ${what} is refused`, () =>
    withSockets(echo, async (url) => {
      assertMatch((await exchange(url, request)).replace("HTTP/1.1 ", ""), expected);
    }));
}

Deno.test("weir.v1 is chosen among the offered subprotocols, and a listed origin is let in", () =>
  withSockets(echo, async (url) => {
    const connection = new RawConnection(url);
    connection.send(upgradeRequest("/v1/connect", {
      "Sec-WebSocket-Protocol": "weir.v0,weir.v1",
      "Origin": "https://app.example",
    }));
    await connection.until((received) => received.includes("\r\n\r\n"));
    assertStringIncludes(connection.received.toString(), "Sec-WebSocket-Protocol: weir.v1\r\n");
    await connection.close();
  }));

const violations: readonly [string, Uint8Array, number][] = [
  ["a binary message", clientFrame(binary, "x"), 1003],
  [
    "a message over the limit",
    clientFrame(text, "", { length: BigInt(ADVERTISED.messageBytes + 1) }),
    1009,
  ],
  ["a frame of 2^63 bytes", clientFrame(text, "", { length: 2n ** 63n }), 1009],
  ["an unmasked frame", clientFrame(text, "x", { masked: false }), 1002],
  ["a reserved bit", clientFrame(text, "x", { rsv: 4 }), 1002],
  ["an unknown opcode", clientFrame(3, "x"), 1002],
  ["a continuation of nothing", clientFrame(0, "x"), 1002],
  ["a fragmented ping", clientFrame(9, "x", { fin: false }), 1002],
  ["a ping of 126 bytes", clientFrame(9, "x".repeat(126)), 1002],
  ["text that is not UTF-8", clientFrame(text, new Uint8Array([0xff, 0xfe])), 1007],
  ["a lone surrogate in UTF-8", clientFrame(text, new Uint8Array([0xed, 0xa0, 0x80])), 1007],
  ["a close frame with one byte", clientFrame(8, "x"), 1002],
];

for (const [what, bytes, code] of violations) {
  Deno.test(`${what} closes the socket with ${code}, and no other`, () =>
    withSockets(echo, async (url) => {
      const other = await open(url);
      const connection = await open(url);
      connection.send(bytes);
      await connection.until((received) => closeCode(received) !== undefined);
      assertEquals(closeCode(connection.received), code);
      other.send(clientFrame(text, "hello"));
      await other.until((received) => received.includes("hello"));
      assertStringIncludes(other.received.toString(), "hello");
      await other.close();
      await connection.close();
    }));
}

Deno.test("a message of exactly the limit passes", () =>
  withSockets((wire) => ({ receive: (message) => wire.send(`${message.length}`) }), async (url) => {
    const connection = await open(url);
    connection.send(clientFrame(text, new Uint8Array(ADVERTISED.messageBytes).fill(65)));
    await connection.until((received) => received.includes("1048576"));
    assertStringIncludes(connection.received.toString(), "1048576");
    await connection.close();
  }));

Deno.test("an unfinished message is cut off at the limits of its size and of its pieces", () =>
  withSockets(echo, async (url) => {
    for (const size of [0, 256 * 1024]) {
      const connection = await open(url);
      connection.send(clientFrame(text, "", { fin: false }));
      const piece = clientFrame(0, new Uint8Array(size), { fin: false });
      for (let sent = 0; sent <= HTTP.fragments && !connection.closed; sent++) {
        connection.send(piece);
        if (size > 0 && sent > 8) break;
      }
      await connection.until((received) => closeCode(received) !== undefined);
      const code = closeCode(connection.received);
      assertEquals(code === 1008 || code === 1009, true, `closed with ${code}`);
      await connection.close();
    }
  }));

Deno.test("messages are not overwritten by those that come after them", async () => {
  const kept: Uint8Array[] = [];
  await withSockets((wire) => ({
    receive(message) {
      kept.push(message);
      if (kept.length === 500) wire.send("enough");
    },
  }), async (url) => {
    const connection = await open(url);
    for (let i = 0; i < 500; i++) connection.send(clientFrame(text, `${i}:`.padEnd(700, `${i}.`)));
    await connection.until((received) => received.includes("enough"));
    await connection.close();
  });
  kept.forEach((message, i) => {
    assertEquals(new TextDecoder().decode(message), `${i}:`.padEnd(700, `${i}.`));
  });
});

Deno.test("an error thrown by a session closes its socket with 1011, and no other", async () => {
  await withSockets((wire) => ({
    receive(message) {
      if (message.length === 3) throw new Error("a bug");
      wire.send(message);
    },
  }), async (url) => {
    const other = await open(url);
    const connection = await open(url);
    connection.send(clientFrame(text, "bug"));
    await connection.until((received) => closeCode(received) !== undefined);
    assertEquals(closeCode(connection.received), 1011);
    other.send(clientFrame(text, "fine"));
    await other.until((received) => received.includes("fine"));
    await other.close();
    await connection.close();
  });
});

Deno.test("a session that is congested is not read until it is not", async () => {
  const messages: string[] = [];
  let release = () => {};
  await withSockets((wire) => {
    let congested = false;
    return {
      get congested() {
        return congested;
      },
      receive(message) {
        messages.push(congested ? "too early" : new TextDecoder().decode(message));
        congested = messages.length === 1;
        if (messages.length === 2) wire.send("both");
        release = () => {
          congested = false;
          wire.send("go on");
        };
      },
    };
  }, async (url) => {
    const connection = await open(url);
    connection.send(clientFrame(text, "first"));
    const marker = await open(url);
    while (messages.length === 0) await marker.until(() => true);
    connection.send(clientFrame(text, "second"));
    release();
    await connection.until((received) => received.includes("both"));
    assertEquals(messages, ["first", "second"]);
    await connection.close();
    await marker.close();
  });
});

Deno.test("a peer that does not read is seen in `buffered`, and can be ended at once", async () => {
  const { promise: ended, resolve: end } = Promise.withResolvers<number>();
  await withSockets((wire) => ({
    receive() {
      const message = "x".repeat(64 * 1024);
      while (wire.buffered < 8 * 1024 * 1024) wire.send(message);
      wire.terminate();
    },
    closed: () => end(1),
  }), async (url) => {
    const connection = await open(url);
    connection.socket.pause();
    connection.send(clientFrame(text, "go"));
    assertEquals(await ended, 1);
    await connection.close();
  });
});

Deno.test("a session hears when what it sent has left", async () => {
  const { promise: heard, resolve: hear } = Promise.withResolvers<number>();
  await withSockets((wire) => ({
    receive() {
      for (let i = 0; i < 64; i++) wire.send("x".repeat(64 * 1024));
    },
    writable: () => hear(wire.buffered),
  }), async (url) => {
    const connection = await open(url);
    connection.send(clientFrame(text, "go"));
    assertEquals(await heard, 0);
    await connection.close();
  });
});

Deno.test("a peer that reads again is read again, though nothing more is sent to it", async () => {
  const messages: string[] = [];
  await withSockets((wire) => ({
    get congested() {
      return wire.buffered > 128 * 1024;
    },
    receive(message) {
      messages.push(new TextDecoder().decode(message));
      if (messages.length > 1) return wire.terminate();
      while (wire.buffered < 8 * 1024 * 1024) wire.send("x".repeat(64 * 1024));
    },
  }), async (url) => {
    const connection = await open(url);
    connection.socket.pause();
    connection.send(clientFrame(text, "flood me"));
    connection.socket.resume();
    await connection.until((received) => received.length > 0);
    connection.send(clientFrame(text, "still there"));
    await connection.until(() => messages.length > 1);
    assertEquals(messages, ["flood me", "still there"]);
    await connection.close();
  });
});

Deno.test("when the server closes, peers may say goodbye, and those that do not are cut off", async () => {
  const wires: Wire[] = [];
  const closed: number[] = [];
  const { promise: finished, resolve: finish } = Promise.withResolvers<void>();
  let connections: RawConnection[] = [];
  await withSockets((wire) => {
    const number = wires.push(wire);
    return {
      closed() {
        closed.push(number);
        if (closed.length === 2) finish();
      },
    };
  }, async (url) => {
    connections = [await open(url), await open(url)];
    for (const wire of wires) wire.close(4001, "draining");
    await connections[0]!.until((received) => closeCode(received) !== undefined);
    connections[0]!.send(clientFrame(8, new Uint8Array([0x0f, 0xa1])));
  });
  await finished;
  assertEquals(closed, [1, 2]);
  for (const connection of connections) await connection.close();
});
