/** A client that does not read is closed with 4002 after its outbox has stood full for 10 s. */

import { assert, assertEquals } from "@std/assert";
import { Client } from "../support/client.ts";
import { Gateway, sockets } from "../support/gateway.ts";
import { makeTopic } from "../support/http.ts";
import { RawSocket } from "../support/raw_socket.ts";

const shared = Gateway.shared();

/** After the outbox has stood full for 10 s, and before the gateway gives up the closing handshake. */
const readsAgainMs = 10_700;

Deno.test("a client that does not read is closed with 4002 and holds up nobody", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  await using client = await Client.open(shared.gateway);
  const value = "x".repeat(200_000);
  for (let n = 0; n < 10; n++) {
    await client.publish(topic, [{ value, partition: 0 }, { value, partition: 0 }]);
  }
  using stuck = await RawSocket.open(shared.gateway);
  const credit = { records: 100_000 };
  await stuck.sendTexts(
    JSON.stringify({ type: "hello", id: 1 }),
    // The same records over and over: 400 MB for a client that takes none, 4 MB in the log.
    ...Array.from(
      { length: 100 },
      (_, n) => JSON.stringify({ type: "subscribe", id: 2 + n, topic, from: "earliest", credit }),
    ),
  );
  const begun = performance.now();
  const { subscription } = await client.subscribe(topic);
  while (performance.now() - begun < readsAgainMs) {
    const asked = performance.now();
    await client.publish(topic, [{ value: 1, partition: 0 }]);
    assert(performance.now() - asked < 2_000, "others are not held up");
    // Signs of life do not save it.
    await stuck.sendTexts(`{"type":"heartbeat"}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert(client.delivered(subscription).length > 50);
  // The platform's own sockets have no way to say why to one that does not read.
  assertEquals(await stuck.closeCode(), sockets === "ws" ? 4002 : 1006);
});
