/**
 * Frames that are ready to send, and functions that read incoming ones without parsing them: the
 * gateway is measured, so its driver does as little as possible.
 */

const text = new TextDecoder();

/** Records carry the time at which they were due: hundredths of a millisecond, with ten digits. */
const STAMP_BASE = 1_000_000_000;
const STAMPS_PER_MS = 100;

/**
 * A fix of about 120 bytes. `dueMs`: its time is when it was due; otherwise one like a real fix's.
 */
export function fixText(key: string, n: number, dueMs?: number): string {
  const time = dueMs === undefined
    ? 1_213_031_000 + n % 8_000
    : STAMP_BASE + Math.round(dueMs * STAMPS_PER_MS);
  const [lat, lon] = [751_340 + n % 9_000, 391_350 + n % 9_000];
  return `{"key":"${key}","value":{"lat":37.${lat},"lon":-122.${lon},"time":${time},"occupied":${
    n % 2
  }}}`;
}

/** When the record whose text begins at `from` was due. */
export function dueMsOf(message: string, from: number): number {
  return (numberBehind(message, '"time":', from) - STAMP_BASE) / STAMPS_PER_MS;
}

export function numberBehind(message: string, name: string, from: number): number {
  const begin = message.indexOf(name, from) + name.length;
  return parseInt(message.slice(begin, begin + 16));
}

const OK = new TextEncoder().encode('"type":"ok","id":');
/** Begins a record; elsewhere in frames `offset` is never the first member. */
const RECORD = new TextEncoder().encode('{"offset":');
const PING = new TextEncoder().encode('"type":"ping"');
const ERROR = new TextEncoder().encode('"type":"error"');

/** Calls `each` with the id of every `ok` reply, and returns how many there are. */
export function okReplies(bytes: Uint8Array, each?: (id: number) => void): number {
  let count = 0;
  for (let at = 0; (at = indexOf(bytes, OK, at)) >= 0; count++) {
    at += OK.length;
    if (!each) continue;
    let id = 0;
    for (let digit = bytes[at] ?? 0; digit >= 48 && digit < 58; digit = bytes[++at] ?? 0) {
      id = id * 10 + digit - 48;
    }
    each(id);
  }
  return count;
}

/** The number of records in a message. */
export function countRecords(bytes: Uint8Array): number {
  let count = 0;
  for (let at = 0; (at = indexOf(bytes, RECORD, at)) >= 0; at += RECORD.length) count++;
  return count;
}

/** Whether a refusal is among its frames. */
export function hasRefusal(bytes: Uint8Array): boolean {
  return indexOf(bytes, ERROR, 0) >= 0;
}

/** Whether it is a ping. */
export function isPing(bytes: Uint8Array): boolean {
  return bytes.length < 64 && indexOf(bytes, PING, 0) >= 0;
}

/** The beginning of a message, for an error. */
export function excerpt(bytes: Uint8Array): string {
  return text.decode(bytes).slice(0, 300);
}

function indexOf(bytes: Uint8Array, wanted: Uint8Array, from: number): number {
  const last = bytes.length - wanted.length;
  const first = wanted[0];
  outer: for (let at = from; at <= last; at++) {
    if (bytes[at] !== first) continue;
    for (let i = 1; i < wanted.length; i++) if (bytes[at + i] !== wanted[i]) continue outer;
    return at;
  }
  return -1;
}
