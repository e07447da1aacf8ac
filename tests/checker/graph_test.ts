import { assertEquals } from "@std/assert";
import { componentsOf, Graph, pathWithin } from "./graph.ts";

function graphOf(size: number, ...edges: [number, number][]) {
  const graph = new Graph(size);
  graph.add(edges.flat());
  return graph.rows();
}

/** The nodes of each component, the components by their first node. */
function grouped(components: Int32Array): number[][] {
  const groups = new Map<number, number[]>();
  for (const [node, component] of components.entries()) {
    groups.set(component, [...groups.get(component) ?? [], node]);
  }
  return [...groups.values()];
}

Deno.test("nodes that reach each other are one component, and no others", () => {
  const rows = graphOf(6, [0, 1], [1, 2], [2, 0], [2, 3], [3, 4], [4, 3]);
  assertEquals(grouped(componentsOf(rows)), [[0, 1, 2], [3, 4], [5]]);
});

Deno.test("a chain is as many components as it has nodes, be it a million long", () => {
  const graph = new Graph(1_000_000);
  const edges: number[] = [];
  for (let node = 1; node < 1_000_000; node++) edges.push(node - 1, node);
  graph.add(edges);
  assertEquals(new Set(componentsOf(graph.rows())).size, 1_000_000);
});

Deno.test("a path stays in its component and is a shortest one", () => {
  const rows = graphOf(5, [0, 1], [1, 2], [2, 3], [3, 0], [1, 3], [0, 4], [4, 3]);
  const component = componentsOf(rows);
  assertEquals(pathWithin(rows, component, 0, 3), [0, 1, 3]);
  assertEquals(pathWithin(rows, component, 3, 2), [3, 0, 1, 2]);
});
