/**
 * Endpoints for operations: liveness, readiness, and metrics for Prometheus.
 */

import { drainingError, GatewayError } from "../errors.ts";
import type { PublicRoutes, Routes } from "./app.ts";

export interface Health {
  /** Why the gateway is not ready; undefined: it is. */
  obstacle(): Promise<string | undefined>;
  /** Fires when the gateway begins to drain. */
  readonly leaving: AbortSignal;
}

export interface Numbers {
  /** Counters and histograms in the text format of Prometheus. */
  metrics(): string;
  /** Current values by name. */
  gauges(): Readonly<Record<string, number>>;
}

/** For load balancers, which have no token. */
export function healthRoutes({ obstacle, leaving }: Health): PublicRoutes {
  return {
    "/healthz": { GET: () => new Response("ok\n") },
    "/readyz": {
      async GET() {
        if (leaving.aborted) throw drainingError();
        const why = await obstacle();
        if (why === undefined) return new Response("ok\n");
        throw new GatewayError("unavailable", why);
      },
    },
  };
}

export function metricsRoutes(numbers: Numbers): Routes {
  return {
    "/metrics": {
      GET(_request, _params, { rights }) {
        rights.require({ verb: "administer" });
        const gauges = Object.entries(numbers.gauges())
          .map(([name, value]) => `# TYPE weir_${name} gauge\nweir_${name} ${value}\n`);
        return new Response(numbers.metrics() + gauges.join(""), {
          headers: { "content-type": "text/plain; version=0.0.4; charset=utf-8" },
        });
      },
    },
  };
}
