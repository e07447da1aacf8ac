/**
 * What a subject may read and publish, by a reading of the protocol's section 7 that was written for
 * these tests and shares nothing with the gateway's.
 */

import type { Grants } from "../../support/token.ts";

export const SUBJECT = "me";

/** Whether one of the patterns covers records with this key; `undefined`: those without one. */
export function covers(
  patterns: readonly string[] | undefined,
  topic: string,
  key: string | undefined,
): boolean {
  return (patterns ?? []).some((pattern) => {
    const [name = "", ...rest] = pattern.split("/");
    if (!fits(name, topic)) return false;
    if (rest.length === 0) return true;
    return key !== undefined && fits(rest.join("/").replace("{sub}", SUBJECT), key);
  });
}

function fits(pattern: string, text: string): boolean {
  return pattern.endsWith("*") ? text.startsWith(pattern.slice(0, -1)) : pattern === text;
}

/** Whether one of the patterns is of this topic, be it of one key only. */
function names(patterns: readonly string[] = [], topic: string): boolean {
  return patterns.some((pattern) => fits(pattern.split("/")[0] as string, topic));
}

export function mayRead(
  { subscribe }: Grants,
  topic: string,
  keys: readonly string[] | undefined,
): boolean {
  return (keys ?? [undefined]).every((key) => covers(subscribe, topic, key));
}

export function mayPublish(
  { publish }: Grants,
  topic: string,
  records: readonly { readonly key: string | undefined }[],
): boolean {
  return records.every(({ key }) => covers(publish, topic, key));
}

export function mayJoin(grants: Grants, group: string, topics: readonly string[]): boolean {
  return (grants.groups ?? []).some((pattern) => fits(pattern, group)) &&
    topics.every((topic) => mayRead(grants, topic, undefined));
}

export function mayDescribe({ publish, subscribe }: Grants, topic: string): boolean {
  return names(publish, topic) || names(subscribe, topic);
}
