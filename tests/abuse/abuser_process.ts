/**
 * An abuser in a process of its own, so that those who measure share no loop with it:
 * `abuser_process.ts NAME PORT full|small keyed|open`. It begins at once and ends when its input does.
 * It prints two lines: `in force` when every lane has come to where it hurts, and what it got, as JSON.
 */

import { abuse, type Abuser, Site, type Size } from "./abuser.ts";
import { ABUSERS, isAbuser } from "./abusers.ts";
import { guises } from "./access.ts";

const LOOK_MS = 20;
/** By then it is in force as far as the gateway lets it. */
const IN_FORCE_MS = 30_000;

async function main([name = "", port, given, access]: readonly string[]): Promise<void> {
  if (!isAbuser(name)) throw new Error(`There is no abuser of the name ${name}`);
  const abuser: Abuser = ABUSERS[name];
  const size: Size = given === "small" ? "small" : "full";
  const lanes = abuser.lanes[size];
  const site = new Site(
    Number(port),
    size,
    await guises(access === "open" ? "open" : "keyed", lanes),
  );
  const ended = inputEnds().then(() => site.closeAll());
  await abuser.prepare?.(site);
  const abusing = abuse(site, abuser);
  const latest = performance.now() + IN_FORCE_MS;
  while (site.passesInForce < lanes && performance.now() < latest) await site.sleep(LOOK_MS);
  print("in force");
  await ended;
  await abusing;
  print(JSON.stringify(site.got));
}

async function inputEnds(): Promise<void> {
  for await (const _ of Deno.stdin.readable);
}

function print(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}

if (import.meta.main) {
  await main(Deno.args);
  Deno.exit(0);
}
