/**
 * Commands that wait for a group's next transition, in the order in which they came. Joins of named
 * instances, each of which takes one of the write's checks, are limited in a transition, and do not
 * hold up other commands.
 */

import { GROUP } from "../limits.ts";
import type { Dated } from "./takeover.ts";
import type { Command } from "./transition.ts";

/** A caller that waits for a result. */
export interface Waiter {
  resolve(): void;
  reject(error: unknown): void;
}

export interface Waiting extends Dated, Waiter {}

export class CommandQueue {
  #waiting: Waiting[] = [];

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** Whether joins of named instances are waiting. */
  get hasInstances(): boolean {
    return this.#waiting.some(({ command }) => hasInstance(command));
  }

  /** Resolves when it is carried out. `since`: now, on the monotonic clock. */
  put(command: Command, since: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ command, since, resolve, reject });
    });
  }

  /** Takes out the commands for the next transition, at most `most`. */
  take(most: number, now: number, isWanted: (command: Command) => boolean): Waiting[] {
    let checks = 0;
    const taken = this.#waiting.filter(({ command, since }) => {
      // One that is too late, or whose connection is gone, is only answered and takes no check.
      const isOver = now - since > GROUP.joinMs || !isWanted(command);
      if (!hasInstance(command) || isOver) return true;
      return ++checks <= GROUP.returnsAtOnce;
    }).slice(0, most);
    const isTaken = new Set(taken);
    this.#waiting = this.#waiting.filter((one) => !isTaken.has(one));
    return taken;
  }
}

function hasInstance(command: Command): boolean {
  return command.type === "join" && command.member.instance !== undefined;
}
