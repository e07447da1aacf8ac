/** ULIDs as 16 bytes: half of what they take as text. */

import type { ByteWriter } from "./bytes.ts";

export const ULID_BYTES = 16;

const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const VALUES = new Int8Array(128).fill(-1);
for (let i = 0; i < ALPHABET.length; i++) VALUES[ALPHABET.charCodeAt(i)] = i;

/** Whether a text is a ULID: 26 characters of its alphabet, 128 bits. */
export function isUlid(text: string): boolean {
  if (text.length !== 26 || text.charCodeAt(0) > 0x37) return false;
  for (let i = 0; i < text.length; i++) {
    if ((VALUES[text.charCodeAt(i)] ?? -1) < 0) return false;
  }
  return true;
}

/** The milliseconds since 1970 at which a ULID was made. */
export function timeOfUlid(ulid: string): number {
  let time = 0;
  for (let i = 0; i < 10; i++) time = time * 32 + (VALUES[ulid.charCodeAt(i)] as number);
  return time;
}

export function packUlid(ulid: string, out: ByteWriter): void {
  // 26 characters of 5 bits are 130 bits: the first character has only three.
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

export function unpackUlid(bytes: Uint8Array): string {
  let ulid = "";
  let held = 0;
  let bits = 2;
  for (const byte of bytes) {
    held = (held << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      ulid += ALPHABET[(held >> bits) & 31];
    }
    held &= (1 << bits) - 1;
  }
  return ulid;
}
