/**
 * A separate listener for `/metrics` (`WEIR_METRICS_PORT`), for Prometheus in a private network: it
 * needs no token there. Uses the platform's own server, whose missing limits do no harm here: it
 * serves no sockets, and only trusted clients reach it.
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

/** Throws if it cannot listen. Runs until the process ends, so that a drain can be observed. */
export function serveMetrics(options: MetricsListenOptions): void {
  const { host, port, rules, telemetry, numbers } = options;
  const answer = createApp({ rules, telemetry, routes: metricsRoutes(numbers) });
  Deno.serve({ hostname: host, port, onListen() {} }, (request) => answer(request));
}
