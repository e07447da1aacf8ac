/**
 * A CPU profile as V8 writes it, summed up: how long each function, and each part of the program, was
 * at work itself. Pure.
 */

/** What is used of a `.cpuprofile`. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: {
      readonly functionName: string;
      readonly url: string;
      readonly lineNumber: number;
    };
  }[];
  /** The node at work at each look, and microseconds since the look before. */
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

export interface Share {
  readonly name: string;
  readonly ms: number;
  /** Of the time in which anything was at work. */
  readonly part: number;
}

export interface Summary {
  readonly busyMs: number;
  /** The most first. */
  readonly functions: readonly Share[];
  readonly groups: readonly Share[];
}

const IDLE = "(idle)";

/** Of all profiles together. */
export function summarise(profiles: readonly CpuProfile[]): Summary {
  const functions = new Map<string, number>();
  const groups = new Map<string, number>();
  let busyMs = 0;
  for (const { nodes, samples, timeDeltas } of profiles) {
    const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
    for (const [i, id] of samples.entries()) {
      const frame = frames.get(id);
      if (!frame || frame.functionName === IDLE) continue;
      const ms = (timeDeltas[i] ?? 0) / 1_000;
      busyMs += ms;
      add(functions, nameOf(frame), ms);
      add(groups, groupOf(frame), ms);
    }
  }
  return { busyMs, functions: ranked(functions, busyMs), groups: ranked(groups, busyMs) };
}

type Frame = CpuProfile["nodes"][number]["callFrame"];

function nameOf({ functionName, url, lineNumber }: Frame): string {
  const name = functionName || "(anonymous)";
  return url === "" ? name : `${name}  ${shortened(url)}:${lineNumber + 1}`;
}

/** A folder of ours, a package, or what the runtime brings. */
export function groupOf({ functionName, url }: Pick<Frame, "functionName" | "url">): string {
  if (url === "") return functionName.startsWith("(") ? functionName : "(built in)";
  const ours = /\/src\/(?:([^/]+)\/)?[^/]+\.ts$/.exec(url);
  const npm = /\/registry\.npmjs\.org\/((?:@[^/]+\/)?[^/]+)\//.exec(url);
  if (npm) return `npm:${npm[1]}`;
  if (ours) return `src/${ours[1] === undefined ? "" : `${ours[1]}/`}`;
  const built = /^(ext:[^/]+|node:)/.exec(url);
  return built?.[1] ?? "(other)";
}

function shortened(url: string): string {
  return url.replace(/^file:.*?\/(src|tests)\//, "$1/").replace(
    /^file:.*\/registry\.npmjs\.org\//,
    "npm:",
  );
}

function add(sums: Map<string, number>, name: string, ms: number): void {
  sums.set(name, (sums.get(name) ?? 0) + ms);
}

function ranked(sums: ReadonlyMap<string, number>, busyMs: number): Share[] {
  return [...sums].map(([name, ms]) => ({ name, ms, part: ms / busyMs }))
    .sort((a, b) => b.ms - a.ms);
}
