/**
 * A use of message queues that the demo shows: what it runs, what its page shows, what it ends
 * with.
 */

import { GatewayError } from "../errors.ts";
import type { Crew } from "./crew.ts";

/** The action of a button is not possible. `message` says what would be. */
export function refused(message: string): GatewayError {
  return new GatewayError("invalid_frame", message);
}

/** The body of a request. */
export type Wish = Readonly<Record<string, unknown>>;

/** The action of a button. Throws `refused(…)`. */
export type Action = (wish: Wish) => void | Promise<void>;

export interface Use {
  readonly name: "tracking" | "queue" | "notifications";
  readonly crews: readonly Crew[];
  /** Keyed by the last part of the path. */
  readonly actions: Readonly<Record<string, Action>>;
  /** What does not change, for the page. */
  about(): object;
  /** Its present state, for the page. */
  state(): object;
  /** Feeds it, until aborted or finished. */
  run(signal: AbortSignal): Promise<void>;
  /** Waits until everything published is processed. */
  catchUp(): Promise<void>;
  /** The result in one line, and whether everything was done as often as it should be. */
  count(): Promise<{ readonly line: string; readonly isWhole: boolean }>;
  close(): Promise<void>;
}

/** Kill and start actions for any group. */
export function crewActions(
  crews: readonly Crew[],
  tell: (what: string) => void,
): Readonly<Record<"kill" | "start", Action>> {
  const crewOf = ({ group }: Wish): Crew => {
    const crew = crews.find(({ work }) => work.group === group);
    if (crew) return crew;
    const known = crews.map(({ work }) => work.group).join(", ");
    throw refused(`"group" must be one of ${known}, not ${JSON.stringify(group)}`);
  };
  return {
    kill(wish) {
      const member = wish["member"] === undefined ? undefined : string(wish, "member");
      if (crewOf(wish).kill(member)) return;
      throw refused(`No such consumer runs: ${member ?? "there is none"}`);
    },
    start(wish) {
      const crew = crewOf(wish);
      crew.start();
      tell(`${crew.members.at(-1)?.name} was started`);
    },
  };
}

export function boolean(wish: Wish, name: string): boolean {
  const value = wish[name];
  if (typeof value === "boolean") return value;
  throw refused(`"${name}" must be true or false, not ${JSON.stringify(value)}`);
}

export function string(wish: Wish, name: string): string {
  const value = wish[name];
  if (typeof value === "string" && value.length > 0 && value.length <= 200) return value;
  throw refused(`"${name}" must be a text of 1 to 200 characters`);
}
