/** Subscribers that reconnect to a gateway that was killed, each at its position. */

import { CROWDED, framesOf, LeanClient } from "./lean_client.ts";
import { makeMany, withServer } from "./loads.ts";
import { fill } from "./publishing.ts";
import type { Bench, Figures } from "./row.ts";
import type { Server } from "./processes.ts";

const SOCKETS = 5_000;
const RECORDS = 10_000;

/** The reply to a subscription. */
interface Place {
  readonly positions: readonly { readonly partition: number; readonly offset: number }[];
  readonly incarnation: string;
  readonly recovered: boolean;
}

export async function resumeAll({ gateway, isQuick }: Bench): Promise<Figures> {
  const sockets = isQuick ? SOCKETS / 10 : SOCKETS;
  const folder = await Deno.makeTempDir({ prefix: "weir-resume-" });
  const env = { WEIR_STORE: `${folder}/weir.kv` };
  try {
    const first = await gateway(env);
    await fill(first, { total: RECORDS });
    const places = await makeMany(sockets, () => follow(first, "latest"));
    await first.stop("SIGKILL");
    const starting = performance.now();
    return await withServer(gateway(env), async (second) => {
      const ready = performance.now();
      const again = await makeMany(sockets, (number) => {
        const { positions, incarnation } = places[number]!.place;
        const from = {
          positions: positions.map(({ partition, offset }) => ({ partition, offset })),
          incarnation,
        };
        return follow(second, from);
      });
      const backMs = performance.now() - ready;
      const astray = again.filter(({ place }, number) => !isSame(place, places[number]!.place));
      for (const { client } of [...places, ...again]) client.close();
      return {
        "until the gateway was ready again, ms": ready - starting,
        "from then until all sockets were back, ms": backMs,
        "sockets": sockets,
        "not at their offsets": astray.length,
      };
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Sends `hello` and `subscribe` at once, as a reconnecting client does. */
async function follow(
  server: Server,
  from: unknown,
): Promise<{ readonly client: LeanClient; readonly place: Place }> {
  const client = await LeanClient.connect(server.port, undefined, CROWDED);
  const { promise, resolve, reject } = Promise.withResolvers<Place>();
  client.onMessage = (bytes) => {
    for (const frame of framesOf(bytes)) {
      if (frame["type"] === "error") reject(new Error(JSON.stringify(frame)));
      if (frame["id"] === 2) resolve(frame as unknown as Place);
    }
  };
  const subscribe = { type: "subscribe", id: 2, topic: "gps", from };
  client.send(JSON.stringify([{ type: "hello", id: 1 }, subscribe]));
  client.flush();
  return { client, place: await promise };
}

function isSame(place: Place, before: Place): boolean {
  return place.recovered && place.incarnation === before.incarnation &&
    before.positions.every(({ partition, offset }) =>
      place.positions.some((other) => other.partition === partition && other.offset === offset)
    );
}
