/**
 * Summarises a V8 profile of time or of allocations: the self cost of each function, of each part
 * of the program, and of each step of a record's way. Pure.
 */

/** A function at work, in the tree of its callers. */
export interface ProfileNode {
  readonly id: number;
  readonly callFrame: {
    readonly functionName: string;
    readonly url: string;
    readonly lineNumber: number;
  };
  /** Their ids. */
  readonly children?: readonly number[];
}

/** The call tree, and the self cost of each node: milliseconds, or bytes. */
export interface Profile {
  readonly nodes: readonly ProfileNode[];
  readonly took: ReadonlyMap<number, number>;
}

/** The part of a `.cpuprofile` that is used. */
export interface CpuProfile {
  readonly nodes: readonly ProfileNode[];
  /** The node at work at each sample, and microseconds since the sample before. */
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** The part of a sampling heap profile that is used. */
export interface AllocationNode extends Omit<ProfileNode, "children"> {
  readonly selfSize: number;
  readonly children: readonly AllocationNode[];
}

export interface Share {
  readonly name: string;
  readonly took: number;
  /** Share of the total. */
  readonly part: number;
}

export interface Summary {
  readonly total: number;
  /** Largest first. */
  readonly functions: readonly Share[];
  readonly groups: readonly Share[];
  /** In the order of the steps. */
  readonly steps: readonly Share[];
}

/** A step of a record's way, and its entry functions, as `name file`. */
export interface Step {
  readonly name: string;
  readonly begins: readonly string[];
}

const IDLE = "(idle)";
const ELSEWHERE = "elsewhere";

export function timeProfile({ nodes, samples, timeDeltas }: CpuProfile): Profile {
  const took = new Map<number, number>();
  for (const [i, id] of samples.entries()) add(took, id, (timeDeltas[i] ?? 0) / 1_000);
  for (const { id, callFrame } of nodes) if (callFrame.functionName === IDLE) took.delete(id);
  return { nodes, took };
}

export function allocationProfile(head: AllocationNode): Profile {
  const nodes: ProfileNode[] = [];
  const took = new Map<number, number>();
  const walk = ({ id, callFrame, selfSize, children }: AllocationNode) => {
    nodes.push({ id, callFrame, children: children.map(({ id }) => id) });
    took.set(id, selfSize);
    for (const child of children) walk(child);
  };
  walk(head);
  return { nodes, took };
}

/** The sum of several profiles. */
export function summarise(profiles: readonly Profile[], steps: readonly Step[] = []): Summary {
  const functions = new Map<string, number>();
  const groups = new Map<string, number>();
  const bySteps = new Map(steps.map(({ name }) => [name, 0]));
  let total = 0;
  for (const profile of profiles) {
    const stepsOf = steps.length > 0 ? stepsOfNodes(profile.nodes, steps) : undefined;
    for (const { id, callFrame } of profile.nodes) {
      const took = profile.took.get(id) ?? 0;
      if (took === 0) continue;
      total += took;
      add(functions, nameOf(callFrame), took);
      add(groups, groupOf(callFrame), took);
      if (stepsOf) add(bySteps, stepsOf.get(id) ?? ELSEWHERE, took);
    }
  }
  const share = ([name, took]: readonly [string, number]) => ({ name, took, part: took / total });
  const ranked = (sums: ReadonlyMap<string, number>) =>
    [...sums].map(share).sort((a, b) => b.took - a.took);
  return {
    total,
    functions: ranked(functions),
    groups: ranked(groups),
    steps: [...bySteps].map(share),
  };
}

/** The step of each node: that of its nearest ancestor that begins one. */
function stepsOfNodes(
  nodes: readonly ProfileNode[],
  steps: readonly Step[],
): ReadonlyMap<number, string> {
  const beginning = new Map(steps.flatMap(({ name, begins }) => begins.map((at) => [at, name])));
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const found = new Map<number, string>();
  const children = new Set(nodes.flatMap(({ children = [] }) => children));
  const waiting = nodes.filter(({ id }) => !children.has(id)).map((node) => ({ node, step: "" }));
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const { node } = next;
    const { functionName, url } = node.callFrame;
    const file = url.slice(url.lastIndexOf("/") + 1);
    const step = beginning.get(`${functionName} ${file}`.trim()) ?? next.step;
    if (step !== "") found.set(node.id, step);
    for (const id of node.children ?? []) {
      const child = byId.get(id);
      if (child) waiting.push({ node: child, step });
    }
  }
  return found;
}

type Frame = ProfileNode["callFrame"];

function nameOf({ functionName, url, lineNumber }: Frame): string {
  const name = functionName || "(anonymous)";
  return url === "" ? name : `${name}  ${shortened(url)}:${lineNumber + 1}`;
}

/** A folder of ours, a package, or a part of the runtime. */
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

function add<Key>(sums: Map<Key, number>, key: Key, took: number): void {
  sums.set(key, (sums.get(key) ?? 0) + took);
}
