/**
 * What it costs to hand a message to another thread and back: what a gateway would pay whose
 * sockets are served by a thread of their own.
 */

import { pause } from "../../src/demo/pause.ts";
import { cpuSeconds } from "./processes.ts";

export interface HandOver {
  /** A round trip, as long as it takes. */
  readonly microseconds: number;
  /** CPU time of both threads for it. */
  readonly cpuMicroseconds: number;
}

interface Load {
  readonly bytes: number;
  /** Messages on their way at a time. */
  readonly underWay: number;
  readonly ms: number;
}

const WARM_UP_MS = 500;

/** Moves buffers to a worker, which sends them back at once; they are not copied. */
export async function handOver({ bytes, underWay, ms }: Load): Promise<HandOver> {
  const worker = new Worker(import.meta.resolve("./echo_worker.ts"), { type: "module" });
  const send = (message: Uint8Array<ArrayBuffer>) => worker.postMessage(message, [message.buffer]);
  let returned = 0;
  worker.onmessage = ({ data }) => {
    returned++;
    send(data);
  };
  for (let i = 0; i < underWay; i++) send(new Uint8Array(bytes));
  await pause(WARM_UP_MS);
  const [before, cpu, begun] = [returned, cpuSeconds(Deno.pid), performance.now()];
  await pause(ms);
  const trips = returned - before;
  const elapsed = performance.now() - begun;
  const busy = cpuSeconds(Deno.pid) - cpu;
  worker.terminate();
  return {
    microseconds: elapsed * 1_000 * underWay / trips,
    cpuMicroseconds: busy * 1e6 / trips,
  };
}
