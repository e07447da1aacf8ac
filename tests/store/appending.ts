/**
 * Writers that append to one head, as the log does it, through a store that fails in all known ways:
 * each has a link of its own. What they were answered is held against what is stored in the end.
 */

import { GatewayError } from "../../src/errors.ts";
import type { Host } from "../../src/host/host.ts";
import type { Key, Mutation, Store } from "../../src/store/store.ts";
import { FAULTS, FaultyStore, type Odds } from "../sim/fault_store.ts";
import { AWAKE, World } from "../sim/world.ts";

/** Appends what has this id; resolves with its number. */
export type AppendOne = (store: Store, host: Host, id: number) => Promise<number>;

export interface Outcome {
  readonly violations: readonly string[];
  readonly hash: number;
  readonly faults: Readonly<Odds>;
  readonly answers: Readonly<Record<Answer, number>>;
}

type Answer = "stored" | "timeout" | "unavailable";

const WRITERS = 4;
const APPENDS = 15;
const FAULTY_MS = 20_000;
const HEALED_MS = 60_000;
/** Odds of each fault that is on, and how long a mix of faults lasts. */
const MOST = 0.3;
const MIX_MS = 3_000;

export const HEAD: Key = ["head"];

export function entryKey(number: number): Key {
  return ["entry", number];
}

/** A number as bytes, for heads and ids. */
export function encode(number: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(number).buffer);
}

export function decode(value: Uint8Array | undefined): number {
  return value ? new DataView(value.buffer, value.byteOffset).getUint32(0, true) : 0;
}

/** The write that appends `id` at `next`. */
export function appending(next: number, id: number): Mutation[] {
  return [
    { type: "set", key: HEAD, value: encode(next + 1) },
    { type: "set", key: entryKey(next), value: encode(id) },
  ];
}

/** One seed of it. */
export async function runWriters(seed: number, append: AppendOne): Promise<Outcome> {
  const world = new World(seed);
  const store = new FaultyStore(world);
  const violations: string[] = [];
  const host = world.host(AWAKE, (message) => violations.push(message));
  const answers = new Map<number, number | Answer>();

  const write = async (writer: number) => {
    const link = store.link(AWAKE);
    for (let i = 0; i < APPENDS; i++) {
      const id = writer * 1_000 + i;
      await world.sleep(world.between(0, 1_500));
      try {
        answers.set(id, await append(link, host, id));
      } catch (error) {
        if (!(error instanceof GatewayError)) throw error;
        answers.set(id, error.code === "unavailable" ? "unavailable" : "timeout");
      }
      world.trace(`${id}: ${answers.get(id)}`);
    }
  };
  const mix = () => {
    store.odds = world.now < FAULTY_MS ? someFaults(world) : { ...FAULTS };
    if (world.now < FAULTY_MS) world.after(MIX_MS, mix);
  };
  mix();
  const writing = Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer)));
  await world.run(FAULTY_MS + MIX_MS + HEALED_MS);
  const allAnswered = answers.size === WRITERS * APPENDS;
  if (allAnswered) await writing;
  else violations.push(`${answers.size} of ${WRITERS * APPENDS} appends are answered`);

  const stored = await storedIds(store);
  violations.push(...judge(answers, stored.head, stored.ids));
  return { violations, hash: world.hash, faults: store.struck, answers: counted(answers) };
}

/** Some faults, none at times, and at times nothing gets through at all. */
function someFaults(world: World): Odds {
  const odds = { ...FAULTS };
  if (world.chance(0.15)) return odds;
  if (world.chance(0.1)) return { ...odds, lostRequest: 1, readError: 1 };
  for (const name of Object.keys(FAULTS) as (keyof typeof FAULTS)[]) {
    if (world.chance(0.5)) odds[name] = world.between(0, MOST);
  }
  return odds;
}

async function storedIds({ stored }: FaultyStore): Promise<{ head: number; ids: number[] }> {
  const [head] = await stored.read([HEAD]);
  const entries = await stored.scan({ prefix: ["entry"], limit: 1_000 });
  return { head: decode(head?.value), ids: entries.map(({ value }) => decode(value)) };
}

/** Every rule that is broken. `ids` are what is stored, by number. */
function judge(
  answers: ReadonlyMap<number, number | Answer>,
  head: number,
  ids: readonly number[],
): string[] {
  const broken: string[] = [];
  if (ids.length !== head) broken.push(`the head says ${head}, ${ids.length} entries are stored`);
  for (const [number, id] of ids.entries()) {
    if (ids.indexOf(id) !== number) {
      broken.push(`${id} is stored at ${ids.indexOf(id)} and ${number}`);
    }
    if (!answers.has(id)) broken.push(`${id} is stored and was never answered`);
  }
  for (const [id, answer] of answers) {
    const at = ids.indexOf(id);
    if (typeof answer === "number" && at !== answer) {
      broken.push(`${id} is at ${at}, not ${answer}`);
    }
    if (answer === "unavailable" && at >= 0) broken.push(`${id} was unavailable, and is at ${at}`);
  }
  return broken;
}

function counted(answers: ReadonlyMap<number, number | Answer>): Record<Answer, number> {
  const counts = { stored: 0, timeout: 0, unavailable: 0 };
  for (const answer of answers.values()) counts[typeof answer === "number" ? "stored" : answer]++;
  return counts;
}
