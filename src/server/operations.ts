/**
 * What operators and their machines ask: whether the process lives, whether it may be sent work, and
 * numbers for Prometheus.
 */

import { GatewayError } from "../errors.ts";
import type { Routes } from "./app.ts";
import { leavingNow } from "./problem.ts";

export interface Operations {
  /** Whether the store answers. */
  ready(): Promise<boolean>;
  /** Fires when it begins to drain. */
  readonly leaving: AbortSignal;
  /** Counters and histograms in the text format of Prometheus. */
  metrics(): string;
  /** What is now, by name. */
  gauges(): Readonly<Record<string, number>>;
}

export function operationRoutes(operations: Operations): Routes {
  return {
    "/healthz": { GET: () => new Response("ok\n") },
    "/readyz": {
      async GET() {
        if (operations.leaving.aborted) throw leavingNow();
        if (await operations.ready()) return new Response("ok\n");
        throw new GatewayError("unavailable", "The store cannot be reached");
      },
    },
    "/metrics": {
      GET() {
        const gauges = Object.entries(operations.gauges())
          .map(([name, value]) => `# TYPE weir_${name} gauge\nweir_${name} ${value}\n`);
        return new Response(operations.metrics() + gauges.join(""), {
          headers: { "content-type": "text/plain; version=0.0.4; charset=utf-8" },
        });
      },
    },
  };
}
