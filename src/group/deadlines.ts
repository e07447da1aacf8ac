/**
 * Deadlines of a group: of members that are away, and of partitions that are being revoked. A
 * gateway watches revocations from its own members, since it has told them, and from members that
 * are away, which include all those of dead gateways.
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

  /** Starts the deadlines that are new in this state, and drops those that are over. */
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
        // A partition that was reassigned and revoked again has a new deadline.
        const name = `revoke/${topicId}/${partition}/${owner.connection}/${since[partition]}`;
        const at = { topicId, partition };
        wait(name, owner.revokeTimeoutMs, { type: "overdue", owner: owner.id, at });
      }
    }
    this.#waiting = waiting;
  }

  /** Carries out what is due. What cannot be stored stays due. */
  tick(now: number, carryOut: (command: Command) => Promise<void>): void {
    for (const deadline of this.#waiting.values()) {
      if (deadline.at > now) continue;
      deadline.at = Infinity; // it is being carried out
      carryOut(deadline.command).catch(() => deadline.at = now);
    }
  }
}
