/**
 * A listener of its own for `/metrics` (`WEIR_METRICS_PORT`), for Prometheus in a network that the
 * world does not reach: there it needs no token. The platform's own server, since no sockets are
 * served here, and nobody is to come here who would abuse what that one cannot bound.
 */

import { createApp } from "./app.ts";
import type { AdmissionRules } from "./admission.ts";
import type { Telemetry } from "../host/host.ts";
import { metricsRoutes, type Numbers } from "./operations.ts";

export interface MetricsListenOptions {
  readonly host: string;
  readonly port: number;
  readonly rules: AdmissionRules;
  readonly telemetry: Telemetry;
  readonly numbers: Numbers;
}

/** Throws if it cannot listen. It goes on until the process ends, so that a drain can be watched. */
export function serveMetrics(options: MetricsListenOptions): void {
  const { host, port, rules, telemetry, numbers } = options;
  const answer = createApp({ rules, telemetry, routes: metricsRoutes(numbers) });
  Deno.serve({ hostname: host, port, onListen() {} }, (request) => answer(request));
}
