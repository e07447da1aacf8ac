/**
 * The sides of other brokers: loaded only where their row runs, and left out, with a line that says how
 * to install them, where they are not.
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
 * JetStream, with what an acknowledgement means here, and with what it means there by default. Synced
 * always, it answers in lumps of seconds, of which a short run may see none.
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

/** Where NATS is, what a program gets of it that uses its client for JavaScript. */
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

/** Centrifugo's engine; where it must be built first, that may take longer than a minute. */
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
