/**
 * Joins under the name of an instance that others may have joined under meanwhile, at this gateway or at
 * another. A join may wait long for the store, and its client may have given it up and joined elsewhere:
 * what is older must not take the place of what is newer. Nobody's clock tells which is which, but this:
 * whoever took the place after a join first saw who had it, came later.
 */

import { GatewayError } from "../errors.ts";
import { GROUP } from "../limits.ts";
import type { GroupState } from "./state.ts";
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

  /** Why a command is not carried out; undefined if it is. `state`: if it was read just now. */
  refusal(
    { command, since }: Dated,
    state: GroupState | undefined,
    now: number,
  ): GatewayError | undefined {
    if (command.type !== "join" || command.member.instance === undefined) return undefined;
    // Its client may be elsewhere by now: if not, it asks again.
    if (!this.#looked.has(command) && now - since > GROUP.joinMs) return late();
    this.#looked.add(command);
    if (!state) return undefined;
    const { connection, instance } = command.member;
    const holder = [...state.members.values()]
      .find((member) => member.instance === instance)?.connection;
    if (!this.#holders.has(connection)) this.#holders.set(connection, holder);
    const before = this.#holders.get(connection);
    if (holder === undefined || holder === before || holder === connection) return undefined;
    return new GatewayError("fenced", "Another connection has joined as the same instance", {
      retry: "never",
    });
  }
}

function late(): GatewayError {
  return new GatewayError("unavailable", "The store could not be read for too long");
}
