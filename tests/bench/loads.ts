/** Common to all loads: connecting, and counting what was done. */

import { pause } from "../../src/demo/pause.ts";
import { isPing } from "./frames.ts";
import { LeanClient, request, type Room } from "./lean_client.ts";
import { cpuSeconds, type Server } from "./processes.ts";

/** The result of a load; never a verdict. */
export interface Figure {
  readonly perSecond: number;
  /** Per second of the server's CPU time. */
  readonly perCpuSecond: number;
  /** How much of a core the driver took: near 1, it may be the driver that was measured. */
  readonly driverCores?: number;
  /** Of an open loop: milliseconds since each was due, sorted. */
  readonly latencies?: readonly number[];
  readonly note?: string;
}

const WARM_UP_MS = 3_000;

/** How long a load runs before it is measured. */
export function warmUpMs(ms: number): number {
  return Math.min(WARM_UP_MS, ms / 2);
}

/** Measures the growth of `count()`, after a warm-up. */
export async function measure(server: Server, ms: number, count: () => number): Promise<Figure> {
  await pause(warmUpMs(ms));
  return await measureWhile(server, () => pause(ms), count);
}

/** Measures until `work` resolves. */
export async function measureWhile(
  server: Server,
  work: () => Promise<unknown>,
  count: () => number,
): Promise<Figure> {
  const [from, cpu, driverCpu] = [count(), server.cpuSeconds(), cpuSeconds(Deno.pid)];
  const begun = performance.now();
  await work();
  const seconds = (performance.now() - begun) / 1_000;
  const done = count() - from;
  return {
    perSecond: done / seconds,
    perCpuSecond: done / Math.max(0.01, server.cpuSeconds() - cpu),
    driverCores: (cpuSeconds(Deno.pid) - driverCpu) / seconds,
  };
}

/** Connects and sends `hello`, except to the bare servers, which would give no useful answer. */
export async function connect(server: Server, greet = true, room?: Room): Promise<LeanClient> {
  const client = await LeanClient.connect(server.port, undefined, room);
  if (greet) await request(client, { id: 1, type: "hello" });
  return client;
}

const AT_ONCE = 32;

/** Makes so many, several at a time. */
export async function makeMany<T>(
  count: number,
  make: (number: number) => Promise<T>,
): Promise<T[]> {
  const made: T[] = [];
  let next = 0;
  const line = async () => {
    for (let number = next++; number < count; number = next++) made[number] = await make(number);
  };
  await Promise.all(Array.from({ length: Math.min(count, AT_ONCE) }, line));
  return made;
}

export const HEARTBEAT = '{"type":"heartbeat"}';

/** Answers a ping; returns whether it was one. */
export function answerPing(client: LeanClient, bytes: Uint8Array): boolean {
  if (!isPing(bytes)) return false;
  client.send(HEARTBEAT);
  client.flush();
  return true;
}

export async function withServer<S extends Server, T>(
  starting: Promise<S>,
  use: (server: S) => Promise<T>,
): Promise<T> {
  const server = await starting;
  try {
    return await use(server);
  } finally {
    await server.stop();
  }
}
