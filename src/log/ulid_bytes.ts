/**
 * ULIDs as 16 bytes, which is half of what they take as text: 26 characters of 5 bits, of which the
 * first has only three.
 */

import type { ByteWriter } from "./bytes.ts";

export const ULID_BYTES = 16;

const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const VALUES = new Int8Array(128).fill(-1);
for (let i = 0; i < ALPHABET.length; i++) VALUES[ALPHABET.charCodeAt(i)] = i;

/** Of the ULID that is being unpacked. */
const characters = new Array<number>(26).fill(0);

/** Whether a text is a ULID: 26 characters of its alphabet, 128 bits. */
export function isUlid(text: string): boolean {
  if (text.length !== 26 || text.charCodeAt(0) > 0x37) return false;
  for (let i = 0; i < text.length; i++) {
    if ((VALUES[text.charCodeAt(i)] ?? -1) < 0) return false;
  }
  return true;
}

export function packUlid(ulid: string, out: ByteWriter): void {
  let held = VALUES[ulid.charCodeAt(0)] as number;
  let bits = 3;
  for (let i = 1; i < 26; i++) {
    held = (held << 5) | (VALUES[ulid.charCodeAt(i)] as number);
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    out.u8((held >> bits) & 255);
    held &= (1 << bits) - 1;
  }
}

/**
 * The text of 16 bytes. One call makes it, since a string that was concatenated piece by piece is
 * slow as a map key.
 */
export function unpackUlid(bytes: Uint8Array): string {
  let held = 0;
  let bits = 2;
  let at = 0;
  for (let i = 0; i < ULID_BYTES; i++) {
    held = (held << 8) | (bytes[i] as number);
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      characters[at++] = ALPHABET.charCodeAt((held >> bits) & 31);
    }
    held &= (1 << bits) - 1;
  }
  return String.fromCharCode(...characters);
}
