/**
 * What a group waits for, and until when: members that are away, partitions that are being revoked. Of
 * these each gateway waits for those of its own members, since it has told them, and for those of whoever
 * is away, as all members of a gateway that is no more are.
 */

import type { GroupContext } from "./group.ts";
import type { GroupState } from "./state.ts";
import type { Command } from "./transition.ts";

interface Deadline {
  /** On the monotonic clock. */
  at: number;
  readonly command: Command;
}

export class Deadlines {
  #waiting = new Map<string, Deadline>();

  get size(): number {
    return this.#waiting.size;
  }

  /** Begins to wait for what is new in this state, and stops for what is over. */
  watch(state: GroupState, { gateway, host }: GroupContext): void {
    const now = host.clock.monotonic();
    const waiting = new Map<string, Deadline>();
    const wait = (name: string, ms: number, command: Command) => {
      waiting.set(name, this.#waiting.get(name) ?? { at: now + ms, command });
    };
    for (const { connection, away, sessionTimeoutMs } of state.members.values()) {
      if (away) wait(`away/${connection}`, sessionTimeoutMs, { type: "expire", connection });
    }
    for (const [topicId, { owners, since, revoking }] of state.topics) {
      for (const partition of revoking) {
        const owner = state.members.get(owners[partition] ?? "");
        if (!owner || (owner.gateway !== gateway && !owner.away)) continue;
        // One that was given back meanwhile, and is asked for again, has another.
        const name = `revoke/${topicId}/${partition}/${owner.connection}/${since[partition]}`;
        const at = { topicId, partition };
        wait(name, owner.revokeTimeoutMs, { type: "overdue", owner: owner.id, at });
      }
    }
    this.#waiting = waiting;
  }

  /** Carries out what is due. What could not be stored is still due, and not from its beginning on. */
  tick(now: number, carryOut: (command: Command) => Promise<void>): void {
    for (const deadline of this.#waiting.values()) {
      if (deadline.at > now) continue;
      deadline.at = Infinity; // it is under way
      carryOut(deadline.command).catch(() => deadline.at = now);
    }
  }
}
