/**
 * Checks of committed offsets: they never go down by themselves, nobody commits what another owns,
 * and whoever is assigned a partition begins at the group's committed offset.
 */

import type { Report } from "./finding.ts";
import type { Commit, Event, Position } from "./history.ts";
import { type Committed, leastOf, type Suspicion, suspicionOf, unknown } from "./committed.ts";
import type { Hold, Holds, Share } from "./holds.ts";
import type { Incarnations } from "./incarnations.ts";
import type { Logs } from "./partition_log.ts";
import type { Operation, Operations } from "./operations.ts";

export interface CommitsToCheck {
  readonly events: readonly Event[];
  readonly operations: Operations;
  readonly incarnations: Incarnations;
  readonly logs: Logs;
  readonly holds: Holds;
  readonly overlapMs: number;
  /** Groups of which not every commit is recorded. */
  readonly unrecorded: readonly string[];
  readonly report: Report;
}

/** A commit of one partition in progress. */
interface Pending {
  readonly share: Share;
  readonly member: string;
  readonly offset: number;
  readonly hold: Hold | undefined;
  /** Whether the member had lost the partition, or another had been assigned it. */
  readonly suspect: Suspicion | undefined;
  /** What its member had, or may have, committed when it was requested. */
  readonly before: number;
  /** What the member had been told is committed, in this hold. */
  readonly told: number;
}

export class CommitChecks {
  readonly #given: CommitsToCheck;
  readonly #committed = new Map<Share, Committed>();
  readonly #pending = new Map<number, Pending[]>();
  /** Checks that need later events. */
  readonly #later: (() => void)[] = [];
  /** What each hold's member was told is committed. */
  readonly #told = new Map<Hold, number>();

  constructor(given: CommitsToCheck) {
    this.#given = given;
  }

  assigned(hold: Hold, offset: number, at: number): void {
    const { share, member } = hold;
    const state = this.#of(share);
    const least = leastOf(state);
    this.#requireWithin(share, offset, at, `${member} was given ${share.name} at ${offset}`);
    if (offset < least) {
      const text = `${member} was given ${share.name} at ${offset}, and ${least} was committed`;
      this.#checkStale(hold, state, () => this.#given.report("commit-regression", at, text));
    }
    const most = Math.max(state.most, ...state.resetting.values());
    if (!state.gone && most >= 0 && offset > most) {
      const text = `${member} was given ${share.name} at ${offset}, and nobody was past ${most}`;
      this.#given.report("skipped", at, text);
    }
    state.most = Math.max(state.most, offset);
    if (offset > state.offset) {
      state.offset = offset;
      state.by = hold;
    }
    this.#told.set(hold, offset);
  }

  /** Records up to this were sent to the member that owns it, or reported as a gap. */
  delivered(hold: Hold, next: number): void {
    const state = this.#of(hold.share);
    state.most = Math.max(state.most, next);
    state.sent.set(hold.member, Math.max(next, state.sent.get(hold.member) ?? -1));
  }

  asked(number: number, { group, member, offsets }: Commit, index: number): void {
    const operation = this.#given.operations.all.get(number);
    const pendings: Pending[] = [];
    for (const [topic, partition, offset] of offsets) {
      const hold = this.#given.holds.find(member, topic, partition);
      const share = hold?.share ?? this.#shareOf(group, topic, partition);
      if (!share) continue;
      const state = this.#of(share);
      const suspect = suspicionOf(share, member, hold, index);
      const before = state.highest.get(member) ?? -1;
      const told = hold ? this.#told.get(hold) ?? -1 : -1;
      pendings.push({ share, member, offset, hold, suspect, before, told });
      if (operation?.outcome === "fail") continue;
      state.most = Math.max(state.most, offset);
      if (!suspect) state.highest.set(member, Math.max(before, offset));
    }
    this.#pending.set(number, pendings);
  }

  /** The commit of an operation was accepted. */
  taken(number: number, at: number): void {
    const operation = this.#given.operations.all.get(number);
    const ok = operation?.ok;
    if (!operation || !ok) return;
    for (const pending of this.#pending.get(number) ?? []) {
      const { share, member, offset } = pending;
      const state = this.#of(share);
      const named = ok.committed?.find(([topic, partition]) =>
        topic === share.topic && partition === share.partition
      )?.[2];
      this.#requireWithin(
        share,
        Math.max(offset, named ?? 0),
        at,
        `${member} committed ${share.name}`,
      );
      if (pending.suspect && !ok.duplicate && !state.gone) {
        if (offset > this.#knownWithout(pending)) {
          this.#later.push(() => this.#judge(operation, pending));
        }
      }
      if (named !== undefined) this.#checkNamed(pending, named, at);
      this.#raise(pending, named ?? offset, operation);
    }
    this.#pending.delete(number);
  }

  resetting(number: number, group: string, offsets: readonly Position[]): void {
    const operation = this.#given.operations.all.get(number);
    if (!operation || operation.outcome === "fail") return;
    for (const [share, offset] of this.#sharesOf(operation, group, offsets)) {
      this.#of(share).resetting.set(number, offset);
    }
  }

  reset(number: number, group: string, offsets: readonly Position[]): void {
    const operation = this.#given.operations.all.get(number);
    if (!operation) return;
    for (const [share, offset] of this.#sharesOf(operation, group, offsets)) {
      const state = this.#of(share);
      state.resetting.delete(number);
      state.offset = offset;
      state.by = undefined;
      state.most = Math.max(state.most, offset);
      state.reset = operation.ended;
      state.highest.clear();
    }
  }

  /** A topic is deleted, unless it is the one that the log at the end has. */
  deleting(number: number, topic: string): void {
    const { operations, incarnations, holds } = this.#given;
    if (operations.all.get(number)?.outcome === "fail") return;
    const last = incarnations.last(topic);
    for (const share of holds.shares) {
      if (share.topic === topic && share.incarnation !== last) this.#of(share).gone = true;
    }
  }

  end(): void {
    for (const judge of this.#later) judge();
  }

  /** What is, or may be, committed without this commit. */
  #knownWithout({ share, member, before }: Pending): number {
    const state = this.#of(share);
    let known = Math.max(leastOf(state), before);
    for (const [other, offset] of state.highest) {
      if (other !== member) known = Math.max(known, offset);
    }
    if (!this.#given.unrecorded.includes(share.group)) return known;
    for (const [other, next] of state.sent) if (other !== member) known = Math.max(known, next);
    return known;
  }

  #checkNamed(pending: Pending, named: number, at: number): void {
    const { share, member, offset, hold, told } = pending;
    if (named < offset) {
      const text = `${member} committed ${share.name} at ${offset}, and was told that ${named} is`;
      this.#given.report("commit-regression", at, text);
    } else if (named < told && hold) {
      const text = `${member} was told that ${share.name} is committed at ${named}, after ${told}`;
      // Unless it had just lost the partition: then what is committed is not known.
      this.#later.push(() => {
        const isLost = hold.end !== undefined && hold.untilAt <= at + this.#given.overlapMs;
        if (!isLost) this.#given.report("commit-regression", at, text);
      });
    }
  }

  #raise({ share, hold }: Pending, offset: number, operation: Operation): void {
    const state = this.#of(share);
    if (hold) this.#told.set(hold, Math.max(offset, this.#told.get(hold) ?? -1));
    state.most = Math.max(state.most, offset);
    // The commit may have happened before the reset.
    if (operation.begun < state.reset || offset <= state.offset) return;
    state.offset = offset;
    state.by = hold;
  }

  /**
   * A member may be told late what was true before another owned the partition. Without epochs that
   * is possible only if the other got it recently, and either still owns it or the member that was
   * told late soon loses it.
   */
  #checkStale(hold: Hold, { by }: Committed, report: () => void): void {
    const { holds, overlapMs } = this.#given;
    if (!by) return report();
    if (by.member === hold.member) {
      // It owned the partition again, and its earlier request was committed by the time it was told
      // so.
      const isLate = hold.epoch === undefined && by.end === "lost it" &&
        hold.fromAt - by.untilAt <= overlapMs;
      return isLate ? undefined : report();
    }
    const { topic, partition } = hold.share;
    // It may have owned it again when it committed, and not have been told yet.
    const latest = holds.find(by.member, topic, partition) ?? by;
    if (hold.epoch !== undefined && latest.epoch !== undefined) {
      if (hold.epoch >= latest.epoch) report();
    } else if (hold.fromAt - latest.fromAt > overlapMs) {
      report();
    } else if (by.end !== undefined) {
      this.#later.push(() => {
        const isOver = hold.end !== undefined && hold.end !== "has it anew";
        if (!isOver || hold.untilAt > hold.fromAt + overlapMs) report();
      });
    }
  }

  #judge(operation: Operation, pending: Pending): void {
    const { overlapMs, report } = this.#given;
    const { share, member, offset, hold, suspect, told } = pending;
    const isBack = share.holds.some((other) =>
      other.member === member && other.from > operation.begun &&
      other.fromAt <= operation.endedAt + overlapMs
    );
    if (isBack || !suspect) return;
    if (suspect.why === "rival" && !suspect.isCertain && hold) {
      const { rival } = suspect;
      const soon = rival.fromAt - hold.fromAt <= overlapMs;
      if (soon && rival.end !== undefined) return;
      // It was away and owns it again: it hears nothing of that if nothing was committed meanwhile.
      const isOver = Math.min(rival.until, rival.revoked) < operation.begun;
      if (isOver && (this.#told.get(rival) ?? -1) <= told) return;
    }
    const why = suspect.why === "lost"
      ? "it had lost it"
      : `${suspect.rival.member} had been given it`;
    const text = `${member} committed ${share.name} at ${offset} for ${share.group} when ${why}`;
    report("zombie-commit", operation.endedAt, text);
  }

  #requireWithin(share: Share, offset: number, at: number, what: string): void {
    const { topic, incarnation, partition } = share;
    if (incarnation === undefined) return;
    const final = this.#given.logs.find(topic, incarnation, partition)?.final;
    if (!final || offset <= final.next) return;
    const text = `${what}: ${offset} is beyond the log's end at ${final.next}`;
    this.#given.report("commit-beyond-head", at, text);
  }

  #of(share: Share): Committed {
    let state = this.#committed.get(share);
    if (!state) {
      state = unknown(share);
      this.#committed.set(share, state);
    }
    return state;
  }

  #shareOf(group: string, topic: string, partition: number): Share | undefined {
    const incarnation = this.#given.incarnations.only(topic);
    if (incarnation === undefined) return undefined;
    return this.#given.holds.share(group, topic, partition, incarnation);
  }

  /** If it is not clear which incarnation was reset, any may have been. */
  *#sharesOf(
    { begun, ended }: Operation,
    group: string,
    offsets: readonly Position[],
  ): Iterable<[Share, number]> {
    const { incarnations, holds } = this.#given;
    for (const [topic, partition, offset] of offsets) {
      const incarnation = incarnations.during(topic, begun, ended);
      if (incarnation !== undefined) {
        yield [holds.share(group, topic, partition, incarnation), offset];
      } else {
        for (const share of holds.sharesOf(group, topic, partition)) yield [share, offset];
      }
    }
  }
}
