/** Runs all checks of groups in one pass over a history. */

import { CommitChecks } from "./commit_checks.ts";
import type { Report } from "./finding.ts";
import type { Event } from "./history.ts";
import { Holds } from "./holds.ts";
import type { Incarnations } from "./incarnations.ts";
import type { Logs } from "./partition_log.ts";
import { commitOf, type Operations } from "./operations.ts";
import { OwnershipChecks } from "./ownership_checks.ts";

export interface GroupsToCheck {
  readonly events: readonly Event[];
  readonly operations: Operations;
  readonly incarnations: Incarnations;
  readonly logs: Logs;
  readonly overlapMs: number;
  readonly unrecorded: readonly string[];
  readonly healed: boolean;
  readonly report: Report;
}

export function checkGroups(given: GroupsToCheck): void {
  const pass = new GroupPass(given);
  for (const [index, event] of given.events.entries()) pass.take(event, index);
  pass.end();
}

class GroupPass {
  readonly #operations: Operations;
  readonly #holds: Holds;
  readonly #ownership: OwnershipChecks;
  readonly #commits: CommitChecks;

  constructor(given: GroupsToCheck) {
    this.#operations = given.operations;
    this.#holds = new Holds(given.incarnations);
    this.#ownership = new OwnershipChecks({ ...given, holds: this.#holds });
    this.#commits = new CommitChecks({ ...given, holds: this.#holds });
  }

  take(event: Event, index: number): void {
    if (event.type === "told") this.#told(event, index);
    else if (event.type === "invoke") this.#asked(event, index);
    else if (event.type === "ok") this.#answered(event, index);
  }

  end(): void {
    this.#ownership.end();
    this.#commits.end();
  }

  #told(event: Event & { type: "told" }, index: number): void {
    switch (event.f) {
      case "assign":
        for (const [i, hold] of this.#holds.assign(event, index).entries()) {
          this.#ownership.assigned(hold);
          this.#commits.assigned(hold, event.partitions[i]?.[2] ?? 0, event.at);
        }
        return this.#heard(event.member, index);
      case "revoke":
        this.#holds.revoke(event, index);
        return this.#heard(event.member, index);
      case "release":
        return this.#holds.release(event, index);
      case "left":
        return this.#holds.left(event, index);
      case "poll": {
        this.#heard(event.reader, index);
        this.#ownership.delivered(event, index);
        const last = event.records.at(-1)?.[0];
        const next = event.next ?? (last === undefined ? undefined : last + 1);
        return this.#passed(event, next);
      }
      case "gap":
        this.#heard(event.reader, index);
        return this.#passed(event, event.to);
    }
  }

  #passed(
    { reader, topic, partition }: { reader: string; topic: string; partition: number },
    next: number | undefined,
  ): void {
    const hold = this.#holds.find(reader, topic, partition);
    if (hold && next !== undefined) this.#commits.delivered(hold, next);
  }

  #heard(member: string, index: number): void {
    this.#holds.member(member)?.heard.push(index);
  }

  #asked(event: Event & { type: "invoke" }, index: number): void {
    if (event.f === "commit" || event.f === "send") {
      const { commit } = event;
      if (!commit) return;
      this.#commits.asked(event.op, commit, index);
      const ok = this.#operations.all.get(event.op)?.ok;
      if (ok && !ok.duplicate) this.#ownership.committing(commit, event.at);
    } else if (event.f === "reset") {
      this.#commits.resetting(event.op, event.group, event.offsets);
    } else if (event.f === "delete") {
      this.#commits.deleting(event.op, event.topic);
    }
  }

  #answered(event: Event & { type: "ok" }, index: number): void {
    const operation = this.#operations.all.get(event.op);
    if (!operation) return;
    const commit = commitOf(operation);
    if (commit) {
      this.#commits.taken(event.op, event.at);
      if (operation.asked.f === "commit") this.#heard(commit.member, index);
    } else if (operation.asked.f === "reset") {
      this.#commits.reset(event.op, operation.asked.group, operation.asked.offsets);
    }
  }
}
