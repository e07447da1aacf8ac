import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { ADVERTISED } from "../../src/limits.ts";
import { listen } from "../../src/server/ws_listener.ts";
import type { SessionPort } from "../../src/server/upgrade.ts";
import type { Wire } from "../../src/session/wire.ts";
import { anyListener, silentSession } from "../support/any_listener.ts";
import { eventually } from "../support/eventually.ts";
import { clientFrame, closeCode, RawConnection, upgradeRequest } from "../support/raw_http.ts";

const text = 1;

/** Listens with sessions that `make` makes, and calls `run` with the address. */
async function withSockets(
  make: (wire: Wire) => Partial<SessionPort>,
  run: (url: string) => Promise<void>,
): Promise<void> {
  const listener = await listen({
    ...anyListener,
    rules: { open: false, origins: ["https://app.example"] },
    connect: (wire) => silentSession(make(wire)),
  });
  try {
    await run(listener.url);
  } finally {
    await listener.close();
  }
}

const echo = (wire: Wire): Partial<SessionPort> => ({ receive: (message) => wire.send(message) });

/** Opens a raw socket, and completes its handshake. */
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

Deno.test("a message of exactly the limit passes", () =>
  withSockets((wire) => ({ receive: (message) => wire.send(`${message.length}`) }), async (url) => {
    const connection = await open(url);
    connection.send(clientFrame(text, new Uint8Array(ADVERTISED.messageBytes).fill(65)));
    await connection.until((received) => received.includes("1048576"));
    assertStringIncludes(connection.received.toString(), "1048576");
    await connection.close();
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

const goingOn: Readonly<Record<string, (wire: Wire) => void>> = {
  "something is sent": (wire) => wire.send("go on"),
  "it says so": (wire) => wire.reconsider(),
};

for (const [when, goOn] of Object.entries(goingOn)) {
  Deno.test(`a congested session is not read until it no longer is, when ${when}`, async () => {
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
          if (messages.length === 3) wire.send("all");
          release = () => {
            congested = false;
            goOn(wire);
          };
        },
      };
    }, async (url) => {
      const connection = await open(url);
      connection.send(Buffer.concat([clientFrame(text, "first"), clientFrame(text, "second")]));
      const marker = await open(url);
      await eventually("the first has come", () => messages.length > 0);
      connection.send(clientFrame(text, "third"));
      release();
      await connection.until((received) => received.includes("all"));
      assertEquals(messages, ["first", "second", "third"]);
      await connection.close();
      await marker.close();
    });
  });
}

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

Deno.test("a session is told when what it sent has left", async () => {
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
