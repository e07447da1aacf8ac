/**
 * Decides between joins under one instance name, at any gateway. A delayed join must not replace a
 * newer one. Clocks cannot tell: whoever took the name after a join first read its holder came later; of
 * one client's numbered joins, the higher is later.
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
  /** By the connection of a join: who had its place when it was first seen in the store. */
  readonly #holders = new Map<string, string | undefined>();

  /** Why a command is not carried out; undefined if it is. `isFresh`: the state was read just now. */
  refusal(
    { command, since }: Dated,
    state: GroupState,
    isFresh: boolean,
    now: number,
  ): GatewayError | undefined {
    if (command.type !== "join" || command.member.instance === undefined) return undefined;
    // Its client may be elsewhere by now: if not, it asks again.
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

/** Of two joins of one client. */
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
