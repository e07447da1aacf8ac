/**
 * What a token allows, and the single check for all entry points: sockets, HTTP, event streams,
 * transactions and groups. Only what is granted is allowed.
 */

import { unreachable } from "../assert.ts";
import { GatewayError } from "../errors.ts";
import { matches, type TextPattern, type TopicPattern } from "./pattern.ts";

export interface Grants {
  readonly publish: readonly TopicPattern[];
  readonly subscribe: readonly TopicPattern[];
  readonly groups: readonly TextPattern[];
  readonly admin: boolean;
}

/** An action that needs a right. */
export type Action =
  | { readonly verb: "publish"; readonly topic: string; readonly records: readonly Keyed[] }
  | { readonly verb: "init producer" }
  /** Reads a topic: the records with these keys, or all of them. */
  | { readonly verb: "read"; readonly topic: string; readonly keys?: readonly string[] | undefined }
  | { readonly verb: "join"; readonly group: string; readonly topics: readonly string[] }
  /** Reads a topic's settings, and the bounds of its partitions. */
  | { readonly verb: "describe"; readonly topic: string }
  /** Reads the sizes of its partitions in bytes, which reveal the size of each record. */
  | { readonly verb: "measure"; readonly topic: string }
  | { readonly verb: "administer" };

interface Keyed {
  readonly key?: string | undefined;
}

/** The records of a topic that a grant covers: all, or those whose key matches a pattern. */
type Scope = "all" | readonly TextPattern[];

/** The most topics whose scopes are cached. */
const REMEMBERED = 256;

export class Rights {
  readonly #grants: Grants | undefined;
  /** Cached by topic, since every publish needs a scope. */
  readonly #publishing = new Map<string, Scope>();

  /** Without grants everything is allowed, since no keys are configured. */
  constructor(grants: Grants | undefined) {
    this.#grants = grants;
  }

  /** Throws `forbidden`, which names the missing grant, unless the action is allowed. */
  require(action: Action): void {
    const missing = this.#grants && this.#missing(this.#grants, action);
    if (missing !== undefined) throw new GatewayError("forbidden", `The token has no ${missing}`);
  }

  allows(action: Action): boolean {
    return this.#grants === undefined || this.#missing(this.#grants, action) === undefined;
  }

  #missing(grants: Grants, action: Action): string | undefined {
    switch (action.verb) {
      case "publish":
        return missingFor(
          "publish",
          action.topic,
          keysOf(action.records),
          this.#publishScope(grants, action.topic),
        );
      case "read":
        return action.keys
          ? missingFor(
            "subscribe",
            action.topic,
            action.keys,
            scopeOf(grants.subscribe, action.topic),
          )
          : missingWhole(grants, action.topic);
      case "join": {
        const { group, topics } = action;
        if (!grants.groups.some((pattern) => matches(pattern, group))) {
          return `groups grant for ${group}`;
        }
        return topics.map((topic) => missingWhole(grants, topic)).find((missing) => missing);
      }
      case "init producer":
        return grants.publish.length > 0 ? undefined : "publish grant";
      case "describe": {
        const { topic } = action;
        const isNamed = [...grants.publish, ...grants.subscribe].some((one) =>
          matches(one.topic, topic)
        );
        return grants.admin || isNamed ? undefined : `grant for topic ${topic}`;
      }
      case "measure":
        return grants.admin ? undefined : missingWhole(grants, action.topic);
      case "administer":
        return grants.admin ? undefined : "admin grant";
      default:
        return unreachable(action);
    }
  }

  #publishScope({ publish }: Grants, topic: string): Scope {
    let scope = this.#publishing.get(topic);
    if (!scope) {
      scope = scopeOf(publish, topic);
      if (this.#publishing.size >= REMEMBERED) this.#publishing.clear();
      this.#publishing.set(topic, scope);
    }
    return scope;
  }
}

/** The error for something that was allowed when it began, but is no longer. */
export function noLongerAllowed(): GatewayError {
  return new GatewayError("forbidden", "The token does not allow it any more");
}

/** The rights of everyone if no token is required. */
export const EVERYTHING = new Rights(undefined);

function scopeOf(patterns: readonly TopicPattern[], topic: string): Scope {
  const keys: TextPattern[] = [];
  for (const pattern of patterns) {
    if (!matches(pattern.topic, topic)) continue;
    if (!pattern.key) return "all";
    keys.push(pattern.key);
  }
  return keys;
}

function missingWhole({ subscribe }: Grants, topic: string): string | undefined {
  return scopeOf(subscribe, topic) === "all"
    ? undefined
    : `subscribe grant for all of topic ${topic}`;
}

function missingFor(
  grant: string,
  topic: string,
  keys: Iterable<string | undefined>,
  scope: Scope,
): string | undefined {
  if (scope === "all") return undefined;
  if (scope.length === 0) return `${grant} grant for topic ${topic}`;
  for (const key of keys) {
    if (key === undefined) return `${grant} grant for records of topic ${topic} without a key`;
    if (!scope.some((pattern) => matches(pattern, key))) {
      return `${grant} grant for key ${JSON.stringify(key)} of topic ${topic}`;
    }
  }
  return undefined;
}

/** A generator, since no key is looked at if the grant covers all records. */
function* keysOf(records: readonly Keyed[]): Generator<string | undefined> {
  for (const { key } of records) yield key;
}
