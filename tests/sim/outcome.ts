/** The outcome of one seed, whatever its clients were. */

import { check } from "../checker/check.ts";
import type { Recorder } from "../checker/recorder.ts";
import type { Event, Told } from "../checker/history.ts";
import { type Fate, type Odds, SHARED_FAULTS } from "./fault_store.ts";
import type { GatewaySite, PartitionLog } from "./gateway_site.ts";
import type { Scenario } from "./scenario.ts";
import { RARE, type Rare, type Violation } from "./site.ts";
import type { World } from "./world.ts";

export interface Outcome {
  readonly seed: number;
  readonly violations: readonly Violation[];
  readonly hash: number;
  readonly virtualMs: number;
  /** How often each thing happened. */
  readonly counts: Readonly<Record<string, number>>;
  readonly faults: Readonly<Odds>;
  readonly rare: Readonly<Record<Rare | Fate | "storeStalled", number>>;
  readonly trace: readonly string[];
  readonly history: readonly Event[];
}

export function noRareThings(): Record<Rare, number> {
  return Object.fromEntries(RARE.map((name) => [name, 0])) as Record<Rare, number>;
}

/** Runs it; an exception or an unhandled rejection is a fault. */
export async function guarded(
  site: { fault(kind: string, text: string): void },
  run: () => Promise<void>,
): Promise<void> {
  const crashed = (error: unknown) =>
    site.fault("crashed", error instanceof Error ? error.stack ?? "" : String(error));
  const note = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    crashed(event.reason);
  };
  globalThis.addEventListener("unhandledrejection", note);
  try {
    await run();
  } catch (error) {
    crashed(error);
  } finally {
    globalThis.removeEventListener("unhandledrejection", note);
  }
}

/** What each seed has at least, unless it is one of an earlier world. */
export const LEAST = { virtualMs: 60_000, operations: 1_000, faults: 20, rebalances: 1 };

/** What is done to gateways and clients. */
const BLOWS = ["kills", "cutOffs", "pauses", "clockJumps", "stalls"]
  .concat(["cuts", "silences", "freezes", "abandoned"]);

/** How many faults there were; that a watch was silent does not count, as it may always be. */
export function faultsOf({ faults, counts }: Pick<Outcome, "faults" | "counts">): number {
  let sum = 0;
  for (const [name, times] of Object.entries(faults)) if (!(name in SHARED_FAULTS)) sum += times;
  for (const name of BLOWS) sum += counts[name] ?? 0;
  return sum;
}

interface Doing {
  readonly world: World;
  readonly scenario: Scenario;
  readonly recorder: Recorder;
  readonly place: GatewaySite;
  readonly counts: Readonly<Record<string, number>>;
}

/** Keeps faults going for their time, and longer until enough was done under them. */
export async function untilDone(
  { world, scenario, recorder, place, counts }: Doing,
  faultyMs: number,
): Promise<void> {
  const isDone = () => {
    const { operations = 0, rebalances = 0 } = countsOf(recorder.events);
    if (operations < scenario.operations || place.store.stalledMs > 0) return false;
    if (!scenario.harsh) return true;
    const faults = faultsOf({ faults: place.store.struck, counts: { ...place.counts, ...counts } });
    return faults >= LEAST.faults && rebalances >= LEAST.rebalances;
  };
  await world.run(faultyMs);
  while (!isDone()) {
    await world.run(world.now + 1_000);
  }
}

/** What a run has gathered at its end. */
export interface Gathered {
  readonly seed: number;
  readonly site: GatewaySite;
  readonly recorder: Recorder;
  readonly faults: readonly Violation[];
  readonly rare: Readonly<Record<Rare, number>>;
  readonly counts: Readonly<Record<string, number>>;
}

/** Checks the history against the rules. */
export function judge({ seed, site, recorder, faults, rare, counts }: Gathered): Outcome {
  const { world, store } = site;
  const found = check(recorder.events).map(({ kind, text }) => ({ kind, text }));
  for (const { kind, text } of found) world.trace(`VIOLATION ${kind}: ${text}`);
  return {
    seed,
    violations: [...faults, ...found],
    hash: world.hash,
    virtualMs: world.now,
    counts: { ...countsOf(recorder.events), ...site.counts, ...counts },
    faults: store.struck,
    rare: { ...store.fates, ...rare, storeStalled: site.counts.stalls },
    trace: world.recent,
    history: recorder.events,
  };
}

/** Records the log at the end in the history. */
export function recordLog(recorder: Recorder, log: readonly PartitionLog[]): void {
  for (const partition of log) recorder.told("reader", { f: "log", ...partition });
}

/** What clients do besides requests and reads. */
const OTHER_OPERATIONS: Readonly<Record<string, true>> = {
  subscribe: true,
  release: true,
  left: true,
};

/** How often each thing happened in a history. */
export function countsOf(events: readonly Event[]): Record<string, number> {
  const counts = { asked: 0, acknowledged: 0, refused: 0, inDoubt: 0, reads: 0, assignments: 0 };
  let [others, rebalances] = [0, 0];
  /** Who was given each partition last. */
  const owners = new Map<string, string>();
  for (const event of events) {
    if (event.type === "invoke") counts.asked++;
    else if (event.type === "ok") counts.acknowledged++;
    else if (event.type === "fail") counts.refused++;
    else if (event.type === "info") counts.inDoubt++;
    else if (event.type === "told" && event.f === "poll") counts.reads++;
    else if (event.type === "told" && event.f === "assign") {
      counts.assignments++;
      if (movesAny(owners, event)) rebalances++;
    } else if (event.type === "told" && event.f in OTHER_OPERATIONS) others++;
  }
  return { operations: counts.asked + counts.reads + others, ...counts, rebalances };
}

/** Whether it gives partitions that another member had; notes who has them now. */
function movesAny(owners: Map<string, string>, { group, member, partitions }: Told<"assign">) {
  let moves = false;
  for (const [topic, partition] of partitions) {
    const name = `${group} ${topic}/${partition}`;
    moves ||= (owners.get(name) ?? member) !== member;
    owners.set(name, member);
  }
  return moves;
}
