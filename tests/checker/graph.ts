/** A directed graph of numbered nodes, and its strongly connected components. Pure. */

export class Graph {
  readonly #size: number;
  /** Kept as they are: there may be millions of them. */
  readonly #edges: (readonly number[])[] = [];

  constructor(size: number) {
    this.#size = size;
  }

  /** Flat pairs `from, to`. */
  add(edges: readonly number[]): void {
    this.#edges.push(edges);
  }

  /** The edges grouped by their first node, without those from a node to itself. */
  rows(): Rows {
    const starts = new Int32Array(this.#size + 1);
    let count = 0;
    this.#each((from) => {
      starts[from + 1] = (starts[from + 1] ?? 0) + 1;
      count++;
    });
    for (let i = 0; i < this.#size; i++) starts[i + 1] = (starts[i + 1] ?? 0) + (starts[i] ?? 0);
    const filled = starts.slice();
    const to = new Int32Array(count);
    this.#each((from, target) => {
      const at = filled[from] ?? 0;
      to[at] = target;
      filled[from] = at + 1;
    });
    return { size: this.#size, starts, to };
  }

  #each(visit: (from: number, to: number) => void): void {
    for (const edges of this.#edges) {
      for (let i = 0; i < edges.length; i += 2) {
        const [from = 0, to = 0] = [edges[i], edges[i + 1]];
        if (from !== to) visit(from, to);
      }
    }
  }
}

export interface Rows {
  readonly size: number;
  readonly starts: Int32Array;
  readonly to: Int32Array;
}

/**
 * The number of each node's strongly connected component: Tarjan's algorithm, with an explicit
 * stack instead of recursion, since chains may have a million nodes.
 */
export function componentsOf({ size, starts, to }: Rows): Int32Array {
  const component = new Int32Array(size).fill(-1);
  const order = new Int32Array(size).fill(-1);
  const low = new Int32Array(size);
  const edge = new Int32Array(size);
  const path: number[] = [];
  const open: number[] = [];
  let seen = 0;
  let components = 0;
  const enter = (node: number) => {
    order[node] = low[node] = seen++;
    edge[node] = starts[node] ?? 0;
    path.push(node);
    open.push(node);
  };
  for (let root = 0; root < size; root++) {
    if (order[root] !== -1) continue;
    enter(root);
    for (let node = path.at(-1); node !== undefined; node = path.at(-1)) {
      const next = edge[node] ?? 0;
      if (next < (starts[node + 1] ?? 0)) {
        edge[node] = next + 1;
        const target = to[next] ?? 0;
        if (order[target] === -1) enter(target);
        else if (component[target] === -1) low[node] = Math.min(low[node] ?? 0, order[target] ?? 0);
        continue;
      }
      path.pop();
      const parent = path.at(-1);
      if (parent !== undefined) low[parent] = Math.min(low[parent] ?? 0, low[node] ?? 0);
      if (low[node] !== order[node]) continue;
      for (let member = open.pop(); member !== undefined; member = open.pop()) {
        component[member] = components;
        if (member === node) break;
      }
      components++;
    }
  }
  return component;
}

/** A shortest path between two nodes of a component, including both ends. */
export function pathWithin(
  { starts, to }: Rows,
  component: Int32Array,
  from: number,
  target: number,
): number[] {
  const before = new Map<number, number>([[from, from]]);
  const queue = [from];
  for (let i = 0; i < queue.length && !before.has(target); i++) {
    const node = queue[i] ?? from;
    for (let e = starts[node] ?? 0; e < (starts[node + 1] ?? 0); e++) {
      const next = to[e] ?? 0;
      if (component[next] !== component[from] || before.has(next)) continue;
      before.set(next, node);
      queue.push(next);
    }
  }
  const path = [target];
  for (let node = target; node !== from;) {
    node = before.get(node) ?? from;
    path.unshift(node);
  }
  return path;
}
