import { assertEquals } from "@std/assert";
import { Crowd } from "../../src/server/crowd.ts";
import { listenNative, type NativeListenOptions } from "../../src/server/native_listener.ts";
import type { Listener } from "../../src/server/upgrade.ts";
import { anyListener } from "../support/any_listener.ts";
import { eventually } from "../support/eventually.ts";
import { RawConnection, upgradeRequest } from "../support/raw_http.ts";
import { testHost } from "../support/test_host.ts";

function listenOn(more: Partial<NativeListenOptions>): Promise<Listener> {
  return listenNative({ ...anyListener, ...more });
}

/** The platform cannot end these: they end with the process. */
const unended = { sanitizeOps: false, sanitizeResources: false };

Deno.test("a socket whose peer is gone before it opens no longer counts", unended, async () => {
  const open = new Set<RawConnection>();
  class Leaving extends Crowd {
    override enter(address: string): () => void {
      const leave = super.enter(address);
      for (const connection of open) connection.socket.resetAndDestroy();
      return leave;
    }
  }
  const crowd = new Leaving(testHost().clock, { sockets: 1, strangers: undefined });
  const listener = await listenOn({ crowd, openMs: 50 });
  for (let i = 0; i < 10; i++) {
    const connection = new RawConnection(listener.url);
    open.add(connection);
    connection.send(upgradeRequest("/v1/connect"));
    await connection.until(() => false);
    open.delete(connection);
    await eventually("its place is free", () => crowd.size === 0, 2_000);
  }
  await listener.close();
  assertEquals(crowd.size, 0);
});

Deno.test("when the server closes, it waits for no endless response", unended, async () => {
  const { promise: asked, resolve: ask } = Promise.withResolvers<void>();
  const listener = await listenOn({
    fetch() {
      ask();
      return new Promise<Response>(() => {});
    },
  });
  const connection = new RawConnection(listener.url);
  connection.send("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
  await asked;
  let isClosed = false;
  const closed = listener.close().then(() => isClosed = true);
  await eventually("it has closed", () => isClosed);
  await closed;
  await connection.close();
});
