/** Checks of the logs: who published what is in them, and how often. */

import type { Report } from "./finding.ts";
import type { Event } from "./history.ts";
import type { Entry, Logs } from "./partition_log.ts";
import { placeOf } from "./partition_log.ts";
import { type Operations, type Origin, possibleTries } from "./operations.ts";

export interface LogsToCheck {
  readonly events: readonly Event[];
  readonly operations: Operations;
  readonly logs: Logs;
  readonly report: Report;
}

export function checkLogs(given: LogsToCheck): void {
  for (const log of given.logs.all) {
    for (const entry of log.sorted) checkOrigin(given, entry);
  }
  for (const origin of given.operations.origins.values()) {
    if (origin.others) checkCopies(given, origin);
  }
}

/** Somebody published it there before it was seen, and was not told that it was not stored. */
function checkOrigin({ events, report }: LogsToCheck, entry: Entry): void {
  const { value, origin, log, shown } = entry;
  const at = events[shown]?.at ?? 0;
  const place = placeOf(entry);
  if (!origin) return report("phantom", at, `${value} at ${place} was published by nobody`);
  const { topic, sending } = origin.part;
  if (topic !== log.topic) {
    return report("phantom", at, `${value} at ${place} was published to ${topic}`);
  }
  let begun = false;
  for (const { outcome, begun: index } of sending.tries) {
    if (index >= shown) continue;
    begun = true;
    if (outcome !== "fail") return;
  }
  if (!begun) return report("phantom", at, `${value} was at ${place} before it was published`);
  const who = sending.tries[0]?.process;
  report("G1a", at, `${value} is at ${place}, and ${who} was told that it is not stored`);
}

/**
 * A value from a producer is stored once. Without a producer each try may store it: whoever retries
 * what may be stored accepts that.
 */
function checkCopies({ events, report }: LogsToCheck, origin: Origin): void {
  const { part, value, entry, others = [] } = origin;
  const tries = Math.max(1, possibleTries(part.sending).length);
  const byIncarnation = new Map<string, Entry[]>();
  for (const copy of [...(entry ? [entry] : []), ...others]) {
    const copies = byIncarnation.get(copy.log.incarnation) ?? [];
    byIncarnation.set(copy.log.incarnation, [...copies, copy]);
  }
  for (const copies of byIncarnation.values()) {
    if (copies.length <= (part.producer ? 1 : tries)) continue;
    const at = Math.max(...copies.map(({ shown }) => events[shown]?.at ?? 0));
    report("duplicate", at, `${value} is at ${copies.map(placeOf).join(" and at ")}`);
  }
  const incarnations = [...byIncarnation.keys()];
  if (incarnations.length <= tries) return;
  const at = Math.max(...others.map(({ shown }) => events[shown]?.at ?? 0));
  const { topic } = part;
  report("incarnation-reuse", at, `${value} is in ${topic} as ${incarnations.join(" and as ")}`);
}
