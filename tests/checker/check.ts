/**
 * Finds what is wrong in a history: a pure function from events to findings. Safety is checked of
 * every history; liveness (everything is read, answered, owned) only of one that says with `healed`
 * that its faults were over.
 */

import { checkAccess } from "./access_checks.ts";
import { checkCycles } from "./cycles.ts";
import type { Finding, Report } from "./finding.ts";
import { checkGroups } from "./group_checks.ts";
import type { Event, Terms } from "./history.ts";
import { Incarnations } from "./incarnations.ts";
import { checkLag } from "./lag_checks.ts";
import { checkLogs } from "./log_checks.ts";
import { gatherLogs } from "./logs.ts";
import { Operations } from "./operations.ts";
import { checkSends } from "./producer_checks.ts";
import { checkRegisters } from "./register_checks.ts";
import { checkReads } from "./reader_checks.ts";
import { checkTransactions } from "./transaction_checks.ts";

/** Findings in order of time. */
export function check(events: readonly Event[]): Finding[] {
  const findings: Finding[] = [];
  const report: Report = (kind, at, text) => findings.push({ kind, text, at });
  const terms = events.find((event): event is Event & Terms & { type: "terms" } =>
    event.type === "terms"
  );
  const healed = events.some((event) => event.type === "told" && event.f === "healed");
  const operations = new Operations(events);
  const incarnations = new Incarnations(events, operations);
  const logs = gatherLogs({ events, operations, incarnations, report });
  const given = { events, operations, incarnations, logs, healed, report };
  checkLogs(given);
  const disordered = checkRegisters(given);
  checkSends(given);
  checkCycles({ ...given, disordered });
  checkReads({ ...given, groups: terms?.groups ?? [] });
  checkLag({ ...given, lagMs: terms?.lagMs ?? Infinity });
  checkTransactions(given);
  checkGroups({
    ...given,
    overlapMs: terms?.overlapMs ?? Infinity,
    unrecorded: terms?.unrecorded ?? [],
  });
  checkAccess({ ...given, graceMs: terms?.graceMs ?? Infinity });
  if (healed) checkAnswers(operations, report);
  return findings.sort((a, b) => a.at - b.at);
}

/** After healing, every request must have its answer. */
function checkAnswers({ all }: Operations, report: Report): void {
  for (const { asked, process, outcome } of all.values()) {
    if (outcome !== "open") continue;
    const value = asked.f === "send" ? asked.sends[0]?.values[0] : undefined;
    const what = value ?? `operation ${asked.op}`;
    report("unanswered", asked.at, `${process} never heard of its ${asked.f}: ${what}`);
  }
}
