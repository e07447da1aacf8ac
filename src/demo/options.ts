/** The command line of the demo. */

import { parseArgs } from "node:util";

export const USAGE = `Usage: deno task demo [options]
  --use tracking|queue|notifications   what to show (tracking)
  --drivers N                          cars, each with a fix a second (2000)
  --replay FILE --speed N              real fixes instead, N times as fast as they were driven (60)
  --minutes N                          end after so long; else Ctrl-C ends it
  --port N                             where the page is (8090), 0 for any free port
  --gateway-port N                     where the gateway is (8080), 0 for any free port
  --url http://HOST:PORT               a gateway that runs already, instead of one of its own; several
                                       that share a store may be named`;

export interface DemoOptions {
  readonly use: "tracking" | "queue" | "notifications";
  readonly drivers: number;
  readonly replay: string | undefined;
  readonly speed: number;
  readonly minutes: number | undefined;
  readonly port: number;
  readonly gatewayPort: number;
  /** If empty, it starts its own. */
  readonly urls: readonly string[];
}

/** Throws with one line on what is wrong, and the usage. */
export function readOptions(args: string[]): DemoOptions {
  const { values } = parse(args);
  const { use, replay, url: urls = [] } = values;
  if (use !== "tracking" && use !== "queue" && use !== "notifications") {
    throw wrong(`--use must be tracking, queue or notifications, not ${use}`);
  }
  for (const url of urls) {
    if (/^https?:\/\/[^/]+\/?$/.test(url)) continue;
    throw wrong(
      `--url must be the address of a gateway, such as http://127.0.0.1:8080, not ${url}`,
    );
  }
  return {
    use,
    replay,
    urls: urls.map((url) => url.replace(/\/$/, "")),
    drivers: number("drivers", values.drivers, { least: 1, most: 100_000, whole: true }),
    speed: number("speed", values.speed, { least: 0.1, most: 10_000 }),
    minutes: values.minutes === undefined
      ? undefined
      : number("minutes", values.minutes, { least: 0.01, most: 10_000 }),
    port: number("port", values.port, { least: 0, most: 65_535, whole: true }),
    gatewayPort: number("gateway-port", values["gateway-port"], {
      least: 0,
      most: 65_535,
      whole: true,
    }),
  };
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        use: { type: "string", default: "tracking" },
        drivers: { type: "string", default: "2000" },
        replay: { type: "string" },
        speed: { type: "string", default: "60" },
        minutes: { type: "string" },
        port: { type: "string", default: "8090" },
        "gateway-port": { type: "string", default: "8080" },
        url: { type: "string", multiple: true },
      },
    });
  } catch (error) {
    throw wrong(error instanceof Error ? error.message : String(error));
  }
}

interface Range {
  readonly least: number;
  readonly most: number;
  readonly whole?: boolean;
}

function number(name: string, text: string, { least, most, whole = false }: Range): number {
  const value = text === "" ? NaN : Number(text);
  if (value >= least && value <= most && (!whole || Number.isInteger(value))) return value;
  const kind = whole ? "a whole number" : "a number";
  throw wrong(`--${name} must be ${kind} from ${least} to ${most}, not ${JSON.stringify(text)}`);
}

function wrong(what: string): Error {
  return new Error(`${what}\n${USAGE}`);
}
