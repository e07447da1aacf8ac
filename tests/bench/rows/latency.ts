/** Rows of latency without any other load. */

import { quantile } from "../figures.ts";
import { withServer } from "../loads.ts";
import { untilAcknowledged, untilDelivered } from "../lone.ts";
import { startScript } from "../processes.ts";
import { headedWrites, rawWrites } from "../raw_store.ts";
import type { Row } from "../row.ts";

const ROUNDS = 500;

export const latencyRows: readonly Row[] = [
  {
    name: "P5",
    load: "a lone publish until it is acknowledged, and until another socket has it; ms",
    goal: "until acknowledged 1.5 × a raw write, p50; another socket 0.5 ms later",
    isQuick: true,
    figures: async ({ gateway, isQuick }) => {
      const rounds = isQuick ? ROUNDS / 2 : ROUNDS;
      const [acknowledged, delivered] = await withServer(gateway(), async (server) =>
        [
          await untilAcknowledged(server, rounds),
          await untilDelivered(server, server, { rounds }),
        ] as const);
      const answered = await withServer(
        startScript("bare_socket.ts", { MODE: "one" }),
        (server) => untilAcknowledged(server, rounds, true),
      );
      const written = await rawWrites(rounds);
      const headed = await headedWrites(rounds);
      return {
        "publish → ack, p50": quantile(acknowledged, 0.5),
        "publish → ack, p99": quantile(acknowledged, 0.99),
        "publish → other socket, p50": quantile(delivered, 0.5),
        "publish → other socket, p99": quantile(delivered, 0.99),
        "raw write, p50": quantile(written, 0.5),
        "raw write, p99": quantile(written, 0.99),
        "raw write of an entry and its head, p50": quantile(headed, 0.5),
        "bare socket, message → answer, p50": quantile(answered, 0.5),
        "ack over raw write, p50": quantile(acknowledged, 0.5) / quantile(written, 0.5),
      };
    },
  },
];
