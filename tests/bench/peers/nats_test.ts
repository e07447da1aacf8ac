/**
 * Tests the loads of NATS if `nats-server` is installed; otherwise `natsMissing` says how to
 * install it, and the tests are left out.
 */

import { assert, assertEquals } from "@std/assert";
import { type Figure, withServer } from "../loads.ts";
import { givenTime } from "./given_time.ts";
import { NatsClient } from "./nats_client.ts";
import { natsJsCatchUp } from "./nats_js.ts";
import { natsCatchUp, natsGroup, natsPublishes } from "./nats_loads.ts";
import { natsMissing, type NatsServer, natsServer, type Sync } from "./nats_server.ts";
import { streamsOf } from "./nats_streams.ts";
import { showOnce } from "./shown_once.ts";

if (natsMissing !== undefined) showOnce(`${natsMissing}; its loads are not tested`);

const syncs: readonly Sync[] = ["always", "default"];

function natsTest(name: string, test: () => Promise<void>): void {
  if (natsMissing === undefined) Deno.test(name, test);
}

async function messagesIn(server: NatsServer): Promise<number> {
  const client = await NatsClient.connect(server.port);
  let messages = 0;
  for (const { name } of streamsOf(server.sync)) {
    const answer = await client.request(`STREAM.INFO.${name}`, {});
    messages += (answer as { state: { messages: number } }).state.messages;
  }
  client.close();
  return messages;
}

/** Runs the load, and checks whether what it counted is in the streams. */
function published(load: (server: NatsServer, ms: number) => Promise<Figure>) {
  return async (server: NatsServer, ms: number) => {
    const figure = await load(server, ms);
    const counted = figure.perSecond * ms / 1_000;
    const messages = await messagesIn(server);
    assert(messages >= counted, `${messages} messages, ${counted} counted`);
    return figure;
  };
}

for (const sync of syncs) {
  natsTest(`natsPublishes(), synced ${sync}, counts what is in the streams`, async () => {
    for (const dedupe of [true, false]) {
      const figure = await givenTime(
        () => natsServer({ sync }),
        published((server, ms) => natsPublishes(server, { sockets: 4, window: 8, dedupe, ms })),
      );
      assert(figure.perSecond > 0);
    }
  });

  natsTest(`natsGroup(), synced ${sync}, reads what is in the streams`, async () => {
    for (const reading of ["partitions", "shared"] as const) {
      const figure = await givenTime(
        () => natsServer({ sync }),
        published((server, ms) => natsGroup(server, ms, reading)),
      );
      assert(figure.perSecond > 0);
    }
  });
}

natsTest("natsPublishes() by the clock says how long each took", async () => {
  const load = { sockets: 4, window: 8, perSecond: 1_000 };
  const { latencies = [] } = await givenTime(
    () => natsServer({ sync: "default" }),
    (server, ms) => natsPublishes(server, { ...load, ms }),
  );
  assert(latencies.length > 0);
  assert(latencies.every((taken) => taken >= 0));
});

natsTest("natsCatchUp() and natsJsCatchUp() read all that is there", async () => {
  for (const read of [natsCatchUp, natsJsCatchUp]) {
    await withServer(natsServer({ sync: "default" }), async (server) => {
      const figure = await read(server, 10_000);
      assert(figure.perSecond > 0);
      assertEquals(await messagesIn(server), 10_000);
    });
  }
});
