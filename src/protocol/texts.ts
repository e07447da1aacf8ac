/**
 * Interns short strings that recur in frames (topics, producers, keys): a recent one is found by
 * its bytes, without decoding or hashing a string again.
 */

/** Longer ones are not interned. */
export const LONGEST_TEXT = 32;
const SLOTS = 8_192;

/** Indexed by hash; a new text replaces the one in its slot. */
const made: string[] = new Array(SLOTS).fill("");

/** The text in these bytes, which are ASCII, at most `LONGEST_TEXT` of them. */
export function textAt(bytes: Uint8Array, from: number, to: number): string {
  const slot = hash(bytes, from, to) & (SLOTS - 1);
  const known = made[slot] as string;
  if (known.length === to - from && stands(known, bytes, from)) return known;
  let text = "";
  for (let at = from; at < to; at++) text += String.fromCharCode(bytes[at] as number);
  return made[slot] = text;
}

function stands(text: string, bytes: Uint8Array, from: number): boolean {
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) !== bytes[from + i]) return false;
  }
  return true;
}

/** FNV-1a, its upper bits mixed into the lower ones. */
function hash(bytes: Uint8Array, from: number, to: number): number {
  let hash = 0x811c9dc5;
  for (let at = from; at < to; at++) hash = Math.imul(hash ^ (bytes[at] as number), 0x01000193);
  return hash ^ hash >>> 15;
}
