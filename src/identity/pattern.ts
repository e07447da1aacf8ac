/**
 * The patterns of a token's grants: a name, or a prefix and `*`; for topics also `topic/key`, which is
 * about the records with such a key alone. What is no pattern is refused rather than read as something
 * else: a grant that means more than its author thought is the worst of mistakes.
 */

import { isName } from "../protocol/fields.ts";

/** Text as it is, or whatever begins with it. */
export interface TextPattern {
  readonly text: string;
  readonly isPrefix: boolean;
}

export interface TopicPattern {
  readonly topic: TextPattern;
  /** Undefined: all records, also those without a key. */
  readonly key: TextPattern | undefined;
}

export function matches({ text, isPrefix }: TextPattern, given: string): boolean {
  return isPrefix ? given.startsWith(text) : given === text;
}

/** Of names: topics, groups. Undefined if it is no pattern. */
export function readNamePattern(pattern: string): TextPattern | undefined {
  const read = readText(pattern);
  const isPart = read.isPrefix && (read.text === "" || isName(`${read.text}-`));
  return isPart || isName(read.text) ? read : undefined;
}

/** `{sub}` in the key is the subject, whatever characters that has. Undefined if it is no pattern. */
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
