/**
 * What an abuser may cost the gateway in memory: what the limits let through, not what was
 * measured. Only what objects take that no limit counts, and garbage, is assumed. Pure.
 */

import { HEAP_BYTES } from "../../src/heap_bytes.ts";
import { ADVERTISED, GROUP, HTTP, LOG, SESSION } from "../../src/limits.ts";

const KiB = 1_024;
const MiB = 1_024 * KiB;

/** Memory that a limit bounds. */
export interface Part {
  readonly what: string;
  readonly bytes: number;
}

export interface Bound {
  /** Of each lane. */
  readonly lane: readonly Part[];
  /** Of all of them together. */
  readonly whole: readonly Part[];
}

/** What so many lanes have in use at most. */
export function inUseBytes({ lane, whole }: Bound, lanes: number): number {
  return lanes * sum(lane) + sum(whole);
}

/** Of resident memory: with what is not collected yet. */
export function boundBytes(bound: Bound, lanes: number): number {
  return inUseBytes(bound, lanes) + GARBAGE.bytes;
}

/** How a bound comes about. */
export function boundText({ lane, whole }: Bound, lanes: number): string {
  const each = lane.length === 0 ? [] : [`${lanes} × (${lane.map(partText).join(" + ")})`];
  return [...each, ...whole.map(partText), partText(GARBAGE)].join(" + ");
}

function sum(parts: readonly Part[]): number {
  return parts.reduce((sum, { bytes }) => sum + bytes, 0);
}

function partText({ what, bytes }: Part): string {
  const size = bytes < MiB ? `${Math.round(bytes / KiB)} KiB` : `${(bytes / MiB).toFixed(1)} MiB`;
  return `${what} ${size}`;
}

/**
 * What V8 lets come together before it looks for garbage: of young objects, of buffers, and of old
 * objects about three times as many as are in use without an abuser.
 */
const GARBAGE: Part = { what: "garbage", bytes: 48 * MiB + 64 * MiB + 80 * MiB };

/** The runtime reads each socket into a buffer of its own. */
const SOCKET: Part = { what: "a socket", bytes: 64 * KiB + HTTP.headerBytes };

/** It is full above the one, and gets one push more at most; the system is given a copy. */
const UNSENT: Part = {
  what: "its outbox",
  bytes: 2 * (SESSION.outboxBytes + ADVERTISED.recordBytes),
};

/** A message in its parts, and whole. */
const MESSAGE: Part = { what: "its message", bytes: 2 * ADVERTISED.messageBytes };

/** Without the records, which are among those that wait. */
const REQUESTS: Part = {
  what: "its requests",
  bytes: ADVERTISED.inFlight * HEAP_BYTES.append,
};

/** Each a string of some letters, or a number, in an array. */
const VALUES: Part = { what: "its values", bytes: SESSION.jsonValues * 64 };

/** Each a feed and a member, or what it takes to become one. */
const MEMBERSHIPS: Part = { what: "its memberships", bytes: ADVERTISED.subscriptions * 4 * KiB };

/** As objects and as JSON, before and after a transition, and the chunks that are written. */
const STATE: Part = { what: "the group's state", bytes: 8 * GROUP.returnedBytes };

const WAITING: Part = { what: "publishes that wait", bytes: LOG.queueBytes };

/** Others keep those caches full in any case: the log's newest entries, and what is encoded. */
const PAGES: Part = { what: "what was read of the log", bytes: LOG.cacheBytes / 4 };

const READS: Part = { what: "reads", bytes: LOG.readersAtOnce * LOG.readBytes };

const none: Bound = { lane: [], whole: [] };

/** By what an abuser does. */
export const BOUNDS = {
  /** Nothing to the gateway. */
  nothing: none,
  /** It has sockets that say next to nothing. */
  sockets: { lane: [SOCKET], whole: [] },
  /** It opens one when the last is not gone yet. */
  changingSockets: { lane: [SOCKET, SOCKET], whole: [] },
  /** It does not read what it is sent. */
  readers: { lane: [SOCKET, UNSENT], whole: [PAGES, READS] },
  publishers: { lane: [SOCKET, MESSAGE, REQUESTS, UNSENT], whole: [WAITING] },
  /** What it sends is large, and invalid. */
  invalid: { lane: [SOCKET, MESSAGE, VALUES, UNSENT], whole: [] },
  members: { lane: [SOCKET, MESSAGE, REQUESTS, MEMBERSHIPS, UNSENT], whole: [STATE] },
} as const satisfies Record<string, Bound>;
