/**
 * The commands that wait for a group's next transition, in the order in which they came. A transition
 * takes what it can: whoever waits for nothing but his turn is not held up by those who come back under
 * the name of an instance, each of whom takes a check of the write.
 */

import { GROUP } from "../limits.ts";
import type { Dated } from "./takeover.ts";
import type { Command } from "./transition.ts";

/** Somebody who waits to hear that it is done. */
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

  /** Whether instances wait to be let in. */
  get hasInstances(): boolean {
    return this.#waiting.some(({ command }) => hasInstance(command));
  }

  /** Resolves when it is carried out. `since`: now, on the monotonic clock. */
  put(command: Command, since: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ command, since, resolve, reject });
    });
  }

  /** Takes out what a transition carries out now, `most` at most. */
  take(most: number, now: number, isWanted: (command: Command) => boolean): Waiting[] {
    let checks = 0;
    const taken = this.#waiting.filter(({ command, since }) => {
      // One that comes too late, or for whom nobody is there any more, is only answered.
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
