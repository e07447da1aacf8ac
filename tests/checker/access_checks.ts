/**
 * Checks of rights: nobody gets records of a topic, or has a request carried out, that its token
 * does not allow, nor any records long after it has expired.
 */

import type { Report } from "./finding.ts";
import type { Event, Told } from "./history.ts";
import { commitOf, type Operations, type Origin } from "./operations.ts";

export interface AccessToCheck {
  readonly events: readonly Event[];
  readonly operations: Operations;
  /** How long a token is good for after it has expired. */
  readonly graceMs: number;
  readonly report: Report;
}

type Grant = Told<"grant">;

export function checkAccess(given: AccessToCheck): void {
  const checks = new AccessChecks(given);
  for (const event of given.events) {
    if (event.type === "told") checks.told(event);
    else if (event.type === "invoke") checks.asked(event);
  }
}

class AccessChecks {
  readonly #given: AccessToCheck;
  /** What each process may do now. */
  readonly #grants = new Map<string, Grant>();

  constructor(given: AccessToCheck) {
    this.#given = given;
  }

  told(event: Event & { readonly type: "told" }): void {
    const { process } = event;
    if (event.f === "grant") this.#grants.set(process, event);
    const grant = this.#grants.get(process);
    if (!grant) return;
    switch (event.f) {
      case "poll":
        return this.#poll(event, grant);
      case "subscribe":
      case "gap":
        if (allowsSome(grant.read, event.topic)) return;
        return this.#leaks(event, `${event.reader} reads ${event.topic}`, grant.read);
      case "assign":
        return this.#assign(event, grant);
    }
  }

  /** A request is refused unless the token allows it; what is not refused may have happened. */
  asked(event: Event & { readonly type: "invoke" }): void {
    const grant = this.#grants.get(event.process);
    const operation = this.#given.operations.all.get(event.op);
    if (!grant || operation?.outcome !== "ok") return;
    const { process, at } = event;
    if (this.#isOver(grant, at)) {
      return this.#leaks(event, `${process} had its ${event.f} carried out`, [
        `nothing since ${grant.until?.toFixed()} ms`,
      ]);
    }
    if (event.f === "send") {
      for (const { topic, values, keys = [] } of event.sends) {
        const denied = values.findIndex((_, i) => !allows(grant.write, topic, keys[i]));
        if (denied < 0) continue;
        this.#leaks(event, `${process} published ${values[denied]} to ${topic}`, grant.write);
      }
    }
    const commit = commitOf(operation);
    if (commit) this.#group(event, grant, commit.group);
  }

  #poll(event: Told<"poll"> & Event, grant: Grant): void {
    const { reader, topic, partition, records, at } = event;
    const place = `${topic}/${partition}/${records[0]?.[0]}`;
    if (this.#isOver(grant, at)) {
      const text = `${reader} got ${place} when its token had expired for ` +
        `${(at - (grant.until ?? at)).toFixed()} ms`;
      this.#given.report("delivery-after-token-expiry", at, text);
    }
    if (allows(grant.read, topic, undefined)) return;
    const { origins } = this.#given.operations;
    const denied = records.find(([, value]) =>
      !allows(grant.read, topic, keyOf(origins.get(value)))
    );
    if (!denied) return;
    const [offset, value] = denied;
    this.#leaks(event, `${reader} got ${value} of ${topic}/${partition}/${offset}`, grant.read);
  }

  /** Members read whole topics. */
  #assign(event: Told<"assign"> & Event, grant: Grant): void {
    const { group, member, partitions } = event;
    if (partitions.length > 0) this.#group(event, grant, group);
    for (const [topic, partition] of partitions) {
      if (allows(grant.read, topic, undefined)) continue;
      this.#leaks(event, `${member} was given ${topic}/${partition}`, grant.read);
    }
  }

  #group(event: Event, { groups }: Grant, group: string): void {
    if (groups === undefined || groups.some((pattern) => matches(pattern, group))) return;
    this.#leaks(event, `${event.process} acted in ${group}`, groups);
  }

  #isOver({ until = Infinity }: Grant, at: number): boolean {
    return at > until + this.#given.graceMs;
  }

  #leaks({ at }: Event, what: string, allowed: readonly string[]): void {
    const names = allowed.length > 0 ? allowed.join(", ") : "nothing";
    this.#given.report("acl-leak", at, `${what}, and its token allows ${names}`);
  }
}

/** The key with which a record was published. */
function keyOf(origin: Origin | undefined): string | undefined {
  if (!origin) return undefined;
  const { part, value } = origin;
  const [first] = part.sending.tries;
  const sent = first?.asked.sends[part.sending.parts.indexOf(part)];
  return sent?.keys?.[sent.values.indexOf(value)];
}

/** Whether one of the patterns allows a record with this key, or without one: the whole topic. */
function allows(patterns: readonly string[], topic: string, key: string | undefined): boolean {
  return patterns.some((pattern) => {
    const [named = "", allowed] = split(pattern);
    if (!matches(named, topic)) return false;
    return allowed === undefined || key !== undefined && matches(allowed, key);
  });
}

/** Whether one of the patterns allows any records of a topic. */
function allowsSome(patterns: readonly string[], topic: string): boolean {
  return patterns.some((pattern) => matches(split(pattern)[0] ?? "", topic));
}

function split(pattern: string): [topic: string, key?: string] {
  const slash = pattern.indexOf("/");
  return slash < 0 ? [pattern] : [pattern.slice(0, slash), pattern.slice(slash + 1)];
}

function matches(pattern: string, name: string): boolean {
  return pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
}
