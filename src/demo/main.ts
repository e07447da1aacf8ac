/**
 * The demo: `deno task demo`. A gateway, publishers, the groups that read, and a page that shows
 * them and lets its visitor break things. It ends with a count of the results.
 */

import { openDoor } from "./door.ts";
import { Journal } from "./journal.ts";
import { GatewayKeeper } from "./keeper.ts";
import { NotificationsUse } from "./notifications_use.ts";
import { type DemoOptions, readOptions } from "./options.ts";
import { print } from "./print.ts";
import { runProgram } from "./program.ts";
import { QueueUse } from "./queue_use.ts";
import { repeatedly } from "./repeatedly.ts";
import { Stage } from "./stage.ts";
import { madeUpDrive, recordedDrive, TrackingUse } from "./tracking_use.ts";
import type { Use } from "./use.ts";

const LOOK_EVERY_MS = 400;

/** Where a use runs. */
interface Place {
  readonly urls: readonly string[];
  readonly folder: string;
  readonly journal: Journal;
}

async function startUse(options: DemoOptions, place: Place): Promise<Use> {
  const { use, replay, drivers, speed } = options;
  if (use === "queue") return await QueueUse.start(place);
  if (use === "notifications") return await NotificationsUse.start(place);
  const drive = replay ? await recordedDrive(replay, drivers, speed) : madeUpDrive(drivers);
  return await TrackingUse.start(drive, place);
}

async function demo(options: DemoOptions, folder: string): Promise<boolean> {
  const stop = stopAfter(options.minutes);
  const door = openDoor(options.port);
  const keeper = options.urls.length > 0 ? undefined : await GatewayKeeper.start({
    store: `${folder}/weir.kv`,
    port: options.gatewayPort,
    origins: [door.origin, door.origin.replace("127.0.0.1", "localhost")],
  });
  try {
    const urls = keeper ? [keeper.url] : options.urls;
    const [url = ""] = urls;
    const journal = new Journal();
    const use = await startUse(options, { urls, folder, journal });
    const stage = new Stage({ url, keeper, use, journal });
    await stage.look();
    door.show(stage);
    const stopLooking = repeatedly(LOOK_EVERY_MS, () => stage.look());
    if (keeper) print(`weir demo: gateway at ${url}`);
    else print(`weir demo: ${url} must let pages of ${door.origin} in (WEIR_ORIGINS)`);
    print(`weir demo: open ${door.origin}/demo    (Ctrl-C ends it, and counts)`);

    await use.run(stop);
    print("weir demo: nothing new comes; the groups catch up");
    await keeper?.settled();
    await use.catchUp();
    await stopLooking();
    const { line, isWhole } = await use.count();
    print(line);
    await use.close();
    return isWhole;
  } finally {
    await keeper?.stop();
    await door.close();
  }
}

/** Aborts after so many minutes, or on the first Ctrl-C; the second ends everything at once. */
function stopAfter(minutes: number | undefined): AbortSignal {
  const stop = new AbortController();
  const end = () => {
    if (stop.signal.aborted) Deno.exit(130);
    stop.abort();
  };
  Deno.addSignalListener("SIGINT", end);
  if (Deno.build.os !== "windows") Deno.addSignalListener("SIGTERM", end);
  if (minutes !== undefined) setTimeout(() => stop.abort(), minutes * 60_000);
  return stop.signal;
}

async function main(): Promise<number> {
  const options = readOptions(Deno.args);
  const folder = await Deno.makeTempDir({ prefix: "weir-demo-" });
  try {
    return await demo(options, folder) ? 0 : 1;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

if (import.meta.main) await runProgram(main);
