/** The row that tells what a thread of its own for sockets would cost. */

import { handOver } from "../handing_over.ts";
import { DRIVER_CORE, moveTo } from "../processes.ts";
import type { Figures, Row } from "../row.ts";

/** As many bytes as sixty publishes of one record have, which come in one message. */
const BYTES = 15_000;

export const threadRows: readonly Row[] = [
  {
    name: "threads",
    load: "a message of 15 KB handed to another thread and back; µs",
    onlyIfNamed: true,
    figures: async ({ ms }) => {
      await moveTo("any");
      try {
        return { ...await figures(1, ms), ...await figures(16, ms) };
      } finally {
        await moveTo(DRIVER_CORE);
      }
    },
  },
];

async function figures(underWay: number, ms: number): Promise<Figures> {
  const { microseconds, cpuMicroseconds } = await handOver({ bytes: BYTES, underWay, ms });
  return {
    [`${underWay} at a time, until it is back`]: microseconds,
    [`${underWay} at a time, CPU of both threads`]: cpuMicroseconds,
  };
}
