/**
 * The audit log: a line for every change over HTTP, done or attempted, with the verb, the topic or
 * group, the token's subject and the outcome. Wraps the table of routes instead of each handler, so
 * that none can be forgotten: what is in `VERBS` is audited.
 */

import type { Telemetry } from "../host/host.ts";
import { type Handler, mapped, type Method, type Routes } from "./app.ts";
import { asGatewayError } from "./problem.ts";

/** Path → method → verb. */
const VERBS: Readonly<Record<string, Readonly<Partial<Record<Method, string>>>>> = {
  "/v1/topics/:topic": { PUT: "put topic", DELETE: "delete topic" },
  "/v1/groups/:group": { DELETE: "delete group" },
  "/v1/groups/:group/offsets": { PUT: "set offsets" },
};

/** The same routes, where those that change topics or groups are audited. */
export function audited(routes: Routes, telemetry: Telemetry): Routes {
  return mapped(routes, (handler, path, method) => {
    const verb = VERBS[path]?.[method];
    return verb === undefined ? handler : telling(verb, handler, telemetry);
  });
}

function telling(verb: string, handler: Handler, telemetry: Telemetry): Handler {
  return async (request, params, who) => {
    const tell = (outcome: string) => {
      const object = params["topic"] ?? params["group"];
      telemetry.report("info", "audit", { verb, object, subject: who.subject, outcome });
    };
    try {
      const response = await handler(request, params, who);
      tell(response.status === 201 ? "made" : "done");
      return response;
    } catch (error) {
      tell(asGatewayError(error).code);
      throw error;
    }
  };
}
