/** Looks where topics end, again and again, and records it. */

import type { GatewayApi } from "../../src/demo/gateway_api.ts";
import type { Recorder } from "../checker/recorder.ts";
import type { Reality } from "./reality.ts";

const NAME = "observer";
const PAUSE_MS = 200;
/** A gateway that is stopped never answers. */
const PATIENCE_MS = 5_000;

export interface Observed {
  readonly world: Reality;
  readonly recorder: Recorder;
  readonly api: GatewayApi;
  readonly topics: readonly string[];
}

export async function observe(
  { world, recorder, api, topics }: Observed,
  isOver: () => boolean,
): Promise<void> {
  for (let turn = 0; !isOver(); turn++) {
    const topic = topics[turn % topics.length] ?? "";
    const op = recorder.invoke(NAME, { f: "tail", topic });
    const bounds = await Promise.race([
      api.bounds(topic).catch(String),
      world.sleep(PATIENCE_MS).then(() => "no answer"),
    ]);
    if (typeof bounds === "string") recorder.info(NAME, op, bounds);
    else {
      const tails = bounds.map(({ next }, partition) => [partition, next] as const);
      recorder.ok(NAME, op, { tails });
    }
    await world.sleep(PAUSE_MS);
  }
}
