/**
 * Decides between joins under one instance name, at any gateway: a delayed join must not replace a
 * newer one. Clocks cannot tell which is newer. Of one client's numbered joins, the higher number
 * is; else a holder that took the name after a join first read the state is newer than that join.
 */

import { GatewayError } from "../errors.ts";
import { GROUP } from "../limits.ts";
import { type GroupState, holderOf, type Member } from "./state.ts";
import type { Command } from "./transition.ts";

/** A command and when it came, on the monotonic clock. */
export interface Dated {
  readonly command: Command;
  readonly since: number;
}

export class Takeovers {
  readonly #looked = new Set<Command>();
  /** By the connection of a join: the holder of its name when the state was first read for it. */
  readonly #holders = new Map<string, string | undefined>();

  /** Why a command is refused, if it is. `isFresh`: the state was just read from the store. */
  refusal(
    { command, since }: Dated,
    state: GroupState,
    isFresh: boolean,
    now: number,
  ): GatewayError | undefined {
    if (command.type !== "join" || command.member.instance === undefined) return undefined;
    // Its client may have joined elsewhere by now; if not, it tries again.
    if (!this.#looked.has(command) && now - since > GROUP.joinMs) return late();
    this.#looked.add(command);
    const { connection, instance } = command.member;
    const member = holderOf(instance, state);
    if (member && command.member.client !== undefined && command.member.client === member.client) {
      return isLater(command.member, member) ? undefined : takenOver();
    }
    if (!isFresh) return undefined;
    const holder = member?.connection;
    if (!this.#holders.has(connection)) this.#holders.set(connection, holder);
    const before = this.#holders.get(connection);
    if (holder === undefined || holder === before || holder === connection) return undefined;
    return takenOver();
  }
}

/** Whether the first of two joins of one client is the newer one. */
function isLater(joining: Member, holder: Member): boolean {
  return (joining.attempt ?? 0) >= (holder.attempt ?? 0);
}

/** Its instance has another connection now. */
export function takenOver(): GatewayError {
  return new GatewayError("fenced", "Another connection has joined as the same instance", {
    retry: "never",
  });
}

function late(): GatewayError {
  return new GatewayError("unavailable", "The store could not be read for too long");
}
