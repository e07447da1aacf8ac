/**
 * Formats a report to operators: as a line of JSON for machines, or as text for a terminal. Pure;
 * writing it is done elsewhere. Whatever names or input clients send, a line
 * 1. has printable characters only, so it stays one line and carries no terminal commands,
 * 2. has at most `LINE_CHARACTERS`, and each string in it at most `STRING_CHARACTERS`,
 * 3. has no token: what looks like one is removed before anything is cut.
 */

import type { Level } from "./host.ts";

const STRING_CHARACTERS = 128;
/** The stack of an error: shows where a bug of ours is. */
const STACK_CHARACTERS = 1_024;
/** Fits a message and an error, even if each of their characters is escaped. */
const LINE_CHARACTERS = 8_192;
const ITEMS = 16;

export interface Report {
  /** Wall clock, as ISO 8601. */
  readonly time: string;
  readonly level: Level;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** For log collectors. */
export function jsonLine({ time, level, message, fields }: Report): string {
  const begin = { time, level, message: cut(message, STRING_CHARACTERS) };
  const shown: Record<string, unknown> = {};
  let line = escaped(JSON.stringify(begin));
  for (const [name, value] of Object.entries(fields)) {
    shown[name] = shortened(value);
    const longer = escaped(JSON.stringify({ ...begin, ...shown }));
    if (longer.length > LINE_CHARACTERS) break;
    line = longer;
  }
  return line;
}

/** For people: time of day, level, message, then the fields. */
export function terminalLine({ time, level, message, fields }: Report, isColored: boolean): string {
  const color = level === "error" ? 31 : level === "warn" ? 33 : level === "info" ? 36 : 90;
  const painted = (code: number, text: string) => isColored ? `\x1b[${code}m${text}\x1b[0m` : text;
  const said = plain(cut(message, STRING_CHARACTERS));
  const head = [painted(90, time.slice(11, 23)), painted(color, level.toUpperCase().padEnd(5))];
  const words = [...head, said];
  let left = LINE_CHARACTERS - said.length - 32;
  for (const [name, value] of Object.entries(fields)) {
    const text = escaped(JSON.stringify(shortened(value)) ?? "");
    left -= name.length + text.length + 2;
    if (left < 0) break;
    words.push(painted(90, `${name}=`) + text);
  }
  return words.join(" ");
}

/** A value as it is shown: numbers and the like unchanged, everything else as shortened text. */
function shortened(value: unknown): unknown {
  if (typeof value === "number" || typeof value === "boolean" || value === null) return value;
  if (Array.isArray(value)) return value.slice(0, ITEMS).map(shortened);
  return value instanceof Error
    ? cut(value.stack ?? value.message, STACK_CHARACTERS)
    : cut(String(value), STRING_CHARACTERS);
}

/** A JWT, whole or cut, and whatever follows a word that announces a token. */
const TOKEN =
  /\beyJ[\w-]+\.[\w-]*\.?[\w-]*|(?<=\b(?:access_token=|bearer\s{1,4}|token":\s?"))[^\s"&]+/gi;

function cut(text: string, characters: number): string {
  // Cut before it is searched, too, so that the search is quick however long the text is.
  const clean = text.slice(0, 4 * characters).replace(TOKEN, "[token]");
  return clean.length > characters ? `${clean.slice(0, characters)}…` : clean;
}

/** JSON does not escape these, and terminals act on them: delete to C1, separators, directions. */
const OBEYED = /[\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

function escaped(json: string): string {
  return json.replace(
    OBEYED,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** The text escaped as in JSON, without the quotes around it. */
function plain(text: string): string {
  return escaped(JSON.stringify(text).slice(1, -1));
}
