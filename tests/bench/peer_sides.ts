/**
 * The sides of other brokers: loaded only where their row runs; where one is not installed, a line
 * says how to install it.
 */

import type { Figure } from "./loads.ts";
import type { NatsServer } from "./peers/nats_server.ts";
import type { Server } from "./processes.ts";
import { type Bench, type Side, side } from "./row.ts";

type Load<S extends Server> = (server: S, ms: number, perSecond?: number) => Promise<Figure>;
type NatsLoads = typeof import("./peers/nats_loads.ts");
type CentrifugeLoads = typeof import("./peers/centrifuge_loads.ts");

const SYNCED = { always: "synced always", default: "synced every 2 min" } as const;
type Sync = keyof typeof SYNCED;

/**
 * JetStream, with acknowledgements that mean what they mean here, and with its default ones. If it
 * always syncs, it answers in bursts of seconds, of which a short run may see none.
 */
export async function natsSides(
  { isQuick }: Bench,
  loadOf: (loads: NatsLoads) => Load<NatsServer>,
  syncs: readonly Sync[] = isQuick ? ["default"] : ["always", "default"],
): Promise<(Side | string)[]> {
  const { natsMissing } = await import("./peers/nats_server.ts");
  if (natsMissing !== undefined) return [natsMissing];
  const load = loadOf(await import("./peers/nats_loads.ts"));
  return await Promise.all(syncs.map((sync) => natsSide(`NATS, ${SYNCED[sync]}`, sync, load)));
}

/** What a program gets from NATS through its JavaScript client, if NATS is installed. */
export async function natsClientSides(records: number): Promise<Side[]> {
  const { natsMissing } = await import("./peers/nats_server.ts");
  if (natsMissing !== undefined) return [];
  const { natsJsCatchUp } = await import("./peers/nats_js.ts");
  return [await natsSide("NATS, nats.js", "default", (server) => natsJsCatchUp(server, records))];
}

async function natsSide(name: string, sync: Sync, load: Load<NatsServer>): Promise<Side> {
  const { natsServer } = await import("./peers/nats_server.ts");
  return side(name, () => natsServer({ sync }), load);
}

/** Centrifugo's engine; if it must be built first, that may take more than a minute. */
export async function centrifugeSides(
  { isQuick }: Bench,
  loadOf: (loads: CentrifugeLoads) => Load<Server>,
): Promise<(Side | string)[]> {
  const { centrifugeMissing, centrifugeServer, isCentrifugeBuilt } = await import(
    "./peers/centrifuge_server.ts"
  );
  if (centrifugeMissing !== undefined) return [centrifugeMissing];
  if (isQuick && !await isCentrifugeBuilt()) {
    return ["Centrifugo's engine is not built yet: a run without --quick does it"];
  }
  const load = loadOf(await import("./peers/centrifuge_loads.ts"));
  return [side("Centrifugo's engine", () => centrifugeServer(), load)];
}
