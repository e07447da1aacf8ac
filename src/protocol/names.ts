/**
 * The names of members that frames have: found by their bytes, so that no text is made of them again
 * and again.
 */

const NAMES = [
  ...["type", "id", "topic", "records", "producer", "epoch", "sequence"],
  ...["key", "value", "headers", "partition", "timestamp", "encoding"],
  ...["subscription", "offsets", "offset", "metadata", "bytes", "publish", "commit", "partitions"],
];

interface Name {
  readonly text: string;
  readonly bytes: Uint8Array;
}

/** By length and first byte: few of them have both in common. */
const BY_LOOK: readonly (readonly Name[])[] = table();

/** The name that stands there; undefined if it is none of these. */
export function nameIn(bytes: Uint8Array, from: number, to: number): string | undefined {
  const candidates = BY_LOOK[look(to - from, bytes[from] as number)];
  if (!candidates) return undefined;
  for (const { text, bytes: wanted } of candidates) {
    if (wanted.length === to - from && stands(wanted, bytes, from)) return text;
  }
  return undefined;
}

function look(length: number, first: number): number {
  return (length & 15) << 7 | first & 127;
}

function stands(wanted: Uint8Array, bytes: Uint8Array, from: number): boolean {
  for (let i = 0; i < wanted.length; i++) if (bytes[from + i] !== wanted[i]) return false;
  return true;
}

function table(): Name[][] {
  const by: Name[][] = [];
  for (const text of NAMES) {
    const bytes = new TextEncoder().encode(text);
    (by[look(bytes.length, bytes[0] as number)] ??= []).push({ text, bytes });
  }
  return by;
}
