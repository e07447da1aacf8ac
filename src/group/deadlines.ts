/** What a group waits for, and until when: members that are away, partitions that are being revoked. */

import type { GroupState } from "./state.ts";
import type { Command } from "./transition.ts";

interface Deadline {
  readonly at: number;
  readonly command: Command;
}

export class Deadlines {
  #waiting = new Map<string, Deadline>();

  get size(): number {
    return this.#waiting.size;
  }

  /** Begins to wait for what is new in this state, and stops for what is over. */
  watch(state: GroupState, now: number): void {
    const waiting = new Map<string, Deadline>();
    const wait = (name: string, ms: number, command: Command) => {
      waiting.set(name, this.#waiting.get(name) ?? { at: now + ms, command });
    };
    for (const { connection, away, sessionTimeoutMs } of state.members.values()) {
      if (away) wait(`away/${connection}`, sessionTimeoutMs, { type: "expire", connection });
    }
    for (const [topicId, { owners, revoking }] of state.topics) {
      for (const partition of revoking) {
        const owner = state.members.get(owners[partition] ?? "");
        if (!owner) continue;
        const name = `revoke/${topicId}/${partition}/${owner.connection}`;
        const at = { topicId, partition };
        wait(name, owner.revokeTimeoutMs, { type: "overdue", owner: owner.id, at });
      }
    }
    this.#waiting = waiting;
  }

  /** The commands of the deadlines that have passed. */
  due(now: number): Command[] {
    const due: Command[] = [];
    for (const [name, { at, command }] of this.#waiting) {
      if (at > now) continue;
      this.#waiting.delete(name);
      due.push(command);
    }
    return due;
  }
}
