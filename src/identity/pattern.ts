/**
 * The patterns of a token's grants: a name, or a prefix and `*`; for topics also `topic/key`, which
 * covers only records with such a key. An invalid pattern is refused, never reinterpreted: it must
 * not grant more than its author meant.
 */

import { isName } from "../protocol/fields.ts";

/** Matches a text exactly, or everything that begins with it. */
export interface TextPattern {
  readonly text: string;
  readonly isPrefix: boolean;
}

export interface TopicPattern {
  readonly topic: TextPattern;
  /** Undefined: all records, including those without a key. */
  readonly key: TextPattern | undefined;
}

export function matches({ text, isPrefix }: TextPattern, given: string): boolean {
  return isPrefix ? given.startsWith(text) : given === text;
}

/** Reads a pattern for names of topics or groups; undefined if it is invalid. */
export function readNamePattern(pattern: string): TextPattern | undefined {
  const read = readText(pattern);
  const isPart = read.isPrefix && (read.text === "" || isName(`${read.text}-`));
  return isPart || isName(read.text) ? read : undefined;
}

/**
 * Reads a pattern for topics or keys; undefined if it is invalid. `{sub}` in the key stands for the
 * subject, whose characters are all literal.
 */
export function readTopicPattern(pattern: string, subject: string): TopicPattern | undefined {
  const slash = pattern.indexOf("/");
  const topic = readNamePattern(slash < 0 ? pattern : pattern.slice(0, slash));
  if (!topic) return undefined;
  if (slash < 0) return { topic, key: undefined };
  const written = pattern.slice(slash + 1);
  const { text, isPrefix } = readText(written);
  if (written === "" || text.includes("*") || !text.isWellFormed()) return undefined;
  return { topic, key: { text: text.replaceAll("{sub}", () => subject), isPrefix } };
}

function readText(pattern: string): TextPattern {
  const isPrefix = pattern.endsWith("*");
  return { text: isPrefix ? pattern.slice(0, -1) : pattern, isPrefix };
}
