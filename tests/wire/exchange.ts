/**
 * How the tables of this folder talk to a gateway: bytes go out over TCP, and what comes back is one
 * line of text that a row can name. Beside every row a healthy client is connected, and is answered
 * after it.
 */

import { joinBytes } from "../../src/join_bytes.ts";
import { assertEquals } from "@std/assert";
import { closing, encodeFrame, OPCODE, type RawFrame, RawSocket } from "../support/raw_socket.ts";

/** Where a gateway listens on this machine. */
export interface Listening {
  readonly port: number;
}

/** A frame, or bytes that are none. */
export type Sent = RawFrame | Uint8Array;

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const hello = `{"type":"hello","id":1}`;
/** The id of the request behind a row, whose reply shows that the socket goes on. */
const LAST = 99;
/** Between two octets of what drips: far below every time that a gateway waits. */
const dripMs = 25;

/** A request that the gateway answers, as the text of a message. */
export function heartbeat(id: number): string {
  return `{"type":"heartbeat","id":${id}}`;
}

export function bytes(...values: number[]): Uint8Array {
  return Uint8Array.from(values);
}

/** Runs what is wrong while a healthy client is connected, and sees that it is answered as before. */
export async function besideHealthy<T>(gateway: Listening, run: () => Promise<T>): Promise<T> {
  using healthy = await greeted(gateway);
  const result = await run();
  await healthy.sendTexts(heartbeat(LAST));
  assertEquals(await repliesOf(healthy), [`ok ${LAST}`]);
  return result;
}

/** The status that a request gets; `cut` where there is none. A socket that it opens must work. */
export async function statusOf(gateway: Listening, request: string): Promise<string> {
  using socket = await RawSocket.connect(gateway);
  await socket.write(encoder.encode(request));
  const status = statusIn(await socket.head());
  if (status === "101") await greet(socket);
  return status;
}

/** The status in the head of a response; `cut` where there is none. */
export function statusIn(head: string): string {
  return /^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1] ?? "cut";
}

/** A socket whose `hello` is answered. */
export async function greeted(gateway: Listening): Promise<RawSocket> {
  const socket = await RawSocket.open(gateway);
  await greet(socket);
  return socket;
}

export interface SaidOptions {
  /** Each octet in a write of its own. */
  readonly chopped?: boolean;
  /** What is expected at the end: `open` sends one request more, whose reply shows it. */
  readonly ending: string;
}

/**
 * Sends frames and says what came back: pongs, then replies, then how it ended, which is `open`, the
 * code of the close frame, or `cut`.
 */
export async function said(
  socket: RawSocket,
  frames: readonly Sent[],
  { chopped = false, ending }: SaidOptions,
): Promise<string> {
  const last = ending === "open" ? [{ opcode: OPCODE.text, payload: heartbeat(LAST) }] : [];
  await writeWhilePossible(socket, wire([...frames, ...last]), chopped);
  const pongs: string[] = [];
  const replies: string[] = [];
  while (true) {
    const frame = await socket.next();
    if (!frame) return [...pongs, ...replies, "cut"].join(", ");
    if (frame.opcode === OPCODE.pong) pongs.push(`pong ${shown(frame.payload)}`);
    if (frame.opcode === OPCODE.text) replies.push(...repliesIn(frame.payload));
    if (replies.at(-1) === `ok ${LAST}`) {
      return [...pongs, ...replies.slice(0, -1), "open"].join(", ");
    }
    if (frame.opcode === OPCODE.close) {
      await sayGoodbye(socket, frame.payload);
      return [...pongs, ...replies, codeIn(frame.payload)].join(", ");
    }
  }
}

/**
 * Sends the same bytes again and again until the gateway has closed the socket, or `times` are over,
 * and returns the code that it was closed with.
 */
export async function flood(socket: RawSocket, chunk: Uint8Array, times: number): Promise<number> {
  let isClosed = false;
  const code = socket.closeCode();
  void code.catch(() => {}).then(() => isClosed = true);
  for (let sent = 0; sent < times && !isClosed; sent++) {
    if (!await writeWhilePossible(socket, chunk, false)) break;
  }
  return await code;
}

/** Sends `begin`, then `octet` again and again until `answer` has come, which is returned. */
export async function drip<T>(
  socket: RawSocket,
  begin: string | Uint8Array,
  octet: string | Uint8Array,
  answer: () => Promise<T>,
): Promise<T> {
  const toBytes = (said: string | Uint8Array) =>
    typeof said === "string" ? encoder.encode(said) : said;
  let isAnswered = false;
  const answered = answer();
  void answered.catch(() => {}).then(() => isAnswered = true);
  await writeWhilePossible(socket, toBytes(begin), false);
  while (!isAnswered) {
    await new Promise((resolve) => setTimeout(resolve, dripMs));
    if (!await writeWhilePossible(socket, toBytes(octet), false)) break;
  }
  return await answered;
}

export function wire(frames: readonly Sent[]): Uint8Array {
  return joinBytes(
    frames.map((frame) => frame instanceof Uint8Array ? frame : encodeFrame(frame)),
  );
}

/** The gateway may end the connection before all has been said: then it has heard enough. */
async function writeWhilePossible(
  socket: RawSocket,
  all: Uint8Array,
  chopped: boolean,
): Promise<boolean> {
  const size = chopped ? 1 : all.length;
  try {
    for (let at = 0; at < all.length; at += size) await socket.write(all.subarray(at, at + size));
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.BrokenPipe) return false;
    if (error instanceof Deno.errors.ConnectionReset) return false;
    throw error;
  }
}

async function greet(socket: RawSocket): Promise<void> {
  await socket.sendTexts(hello);
  assertEquals(await repliesOf(socket), ["ok 1"]);
}

/** Answers the close frame and waits for the end of the connection. */
async function sayGoodbye(socket: RawSocket, payload: Uint8Array): Promise<void> {
  const goodbye = { opcode: OPCODE.close, payload: payload.slice(0, 2) };
  await writeWhilePossible(socket, encodeFrame(goodbye), false);
  while (await socket.next());
}

/** The replies in the next text message. */
async function repliesOf(socket: RawSocket): Promise<readonly string[]> {
  while (true) {
    const frame = await socket.next();
    if (!frame) return [];
    if (frame.opcode === OPCODE.text) return repliesIn(frame.payload);
  }
}

function repliesIn(message: Uint8Array): readonly string[] {
  const parsed = JSON.parse(decoder.decode(message));
  const frames: { type: string; id?: number; code?: string }[] = [parsed].flat();
  return frames
    .filter(({ type }) => type === "ok" || type === "error")
    .map(({ type, id, code }) => [type === "ok" ? type : code, id].filter(Boolean).join(" "));
}

function codeIn(payload: Uint8Array): string {
  if (payload.length === 0) return "no code";
  return String(new DataView(payload.buffer, payload.byteOffset).getUint16(0));
}

/** Short text as it is, anything else by its octets or their number. */
function shown(payload: Uint8Array): string {
  const text = decoder.decode(payload);
  if (payload.length > 20) return `${payload.length} octets`;
  return /^[ -~]*$/.test(text) ? `"${text}"` : payload.toHex();
}

export { closing, OPCODE };
