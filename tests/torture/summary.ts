/** What a torture run prints at its end: pure. */

import type { Ownerless } from "../checker/ownerless.ts";
import type { Finding } from "../sim/bugs/bugs.ts";
import type { Violation } from "../sim/site.ts";
import type { Deeds } from "./fleet.ts";

/** Kinds of violations by what they do to clients; any other kind is something else. */
const CLASSES = {
  /** Acknowledged, and not in the log; or in the log, and a reader or its group never got it. */
  lost: ["lost-write", "unseen", "skipped", "poll-skip", "int-poll-skip", "never-passed", "gap"],
  /** Stored twice, or given twice to one reader. */
  duplicated: [
    "duplicate",
    "passed-twice",
    "consume-counts",
    "nonmonotonic-poll",
    "int-nonmonotonic-poll",
  ],
  /** Two members were served, or could commit, at a time. */
  "double-owned": ["double-owner", "unearned-handover", "zombie-commit", "delivery-after-revoke"],
} satisfies Record<string, readonly (Finding | "never-passed" | "gap")[]>;

export interface ToSum {
  readonly operations: number;
  readonly deeds: Readonly<Deeds>;
  readonly violations: readonly Violation[];
  readonly ownerless: Ownerless | undefined;
}

export function summary({ operations, deeds, violations, ownerless }: ToSum): string[] {
  const { kills, pauses, partitions, storeKills, drains, resets } = deeds;
  const count = (kinds: readonly string[]) =>
    violations.filter(({ kind }) => kinds.includes(kind)).length;
  const found = Object.entries(CLASSES).map(([name, kinds]) => `${name} ${count(kinds)}`);
  const others = violations.length - count(Object.values(CLASSES).flat());
  return [
    `${operations} operations, ${kills} kills, ${pauses} pauses, ${partitions} partitions, ` +
    `${drains} drains, ${storeKills} kills of the store, ${resets} resets of clients`,
    `${found.join(", ")}, otherwise wrong ${others}`,
    `longest time without an owner: ${shown(ownerless)}`,
  ];
}

function shown(ownerless: Ownerless | undefined): string {
  if (!ownerless) return "none";
  const { ms, at, group, name } = ownerless;
  return `${seconds(ms)}, ${name} of ${group} from ${seconds(at)} on`;
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
