/**
 * The architecture as a test: which part may import which, what may touch the outside world, and how
 * large and how finished a file is. The tables below are the rules; the code only reads files.
 */

import { assertEquals } from "@std/assert";

const src = new URL("../src/", import.meta.url);

/** Part → rank. A part imports from itself and from parts of lower ranks. */
const ranks: Readonly<Record<string, number>> = {
  base: 0,
  host: 1,
  store: 2,
  protocol: 2,
  client: 3,
  identity: 3,
  log: 3,
  group: 4,
  fanout: 4,
  peers: 4,
  producers: 4,
  broker: 5,
  session: 6,
  server: 7,
  gateway: 8,
  main: 9,
  cli: 9,
  demo: 10,
};
const baseFiles = [
  "types.ts",
  "record_size.ts",
  "errors.ts",
  "limits.ts",
  "assert.ts",
  "bucket.ts",
  "lazy_map.ts",
  "forget_oldest.ts",
  "heap_bytes.ts",
  "join_bytes.ts",
  "config.ts",
];

/** Packages → the parts that may import them. */
const packages: Readonly<Record<string, readonly string[]>> = {
  "hono": ["server"],
  "@hono/node-server": ["server"],
  "@deno/kv": ["store"],
  "ws": ["server", "demo"],
  "node:": ["server", "demo", "cli", "store"],
  "jose": ["server", "cli"],
  "valibot": ["protocol", "group", "identity", "base"],
  "ulid": ["host"],
};

/** What is not deterministic or talks to the world. */
const banned: Readonly<Record<string, RegExp>> = {
  "Date": /\bDate\b/,
  "performance": /\bperformance\b/,
  "Math.random": /\bMath\.random\b/,
  "crypto": /\bcrypto\b/,
  "timers": /\b(setTimeout|setInterval|setImmediate|queueMicrotask)\b/,
  "console": /\bconsole\b/,
  "Deno": /\bDeno\./,
};
/** Where that may stand: the edges. */
const edges = [
  "host/",
  "client/system.ts",
  "server/",
  "store/deno_kv.ts",
  "store/kv_connect.ts",
  "cli/",
  "demo/",
  "main.ts",
];

/**
 * What a program or a user starts with; everything else must be reached from here. The store in
 * memory is what tests and the simulated world start with.
 */
const entrances = [
  "main.ts",
  "client/mod.ts",
  "cli/",
  "demo/main.ts",
  "demo/cluster.ts",
  "demo/replay.ts",
  "store/memory.ts",
];

const maxLines = 400;

interface SourceFile {
  readonly path: string;
  readonly text: string;
  /** The text without comments. */
  readonly code: string;
  readonly imports: readonly Import[];
}

interface Import {
  readonly from: string;
  /** The path of the imported file below `src/`, if it is one of ours. */
  readonly file: string | undefined;
}

/** The files in `folder` and below; their paths are relative to `base`. */
async function read(folder: URL, base = folder, into: SourceFile[] = []): Promise<SourceFile[]> {
  for await (const entry of Deno.readDir(folder)) {
    if (entry.isDirectory) await read(new URL(`${entry.name}/`, folder), base, into);
    if (!entry.isFile || !entry.name.endsWith(".ts")) continue;
    const url = new URL(entry.name, folder);
    const text = await Deno.readTextFile(url);
    const code = text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|\s)\/\/.*$/gm, "$1");
    into.push({
      path: url.href.slice(base.href.length),
      text,
      code,
      imports: importsOf(text, url),
    });
  }
  return into;
}

function importsOf(text: string, url: URL): Import[] {
  const found = text.matchAll(
    /^\s*(?:import|export)\b[^;]*?\bfrom\s+"([^"]+)"|^import\s+"([^"]+)"|@ts-types="([^"]+)"|\bimport\(\s*"([^"]+)"/gm,
  );
  return [...found].map((match) => {
    const from = match[1] ?? match[2] ?? match[3] ?? match[4] ?? "";
    const resolved = from.startsWith(".") ? new URL(from, url).href : undefined;
    const ours = resolved?.startsWith(src.href);
    return { from, file: ours ? resolved?.slice(src.href.length) : undefined };
  });
}

function partOf(path: string): string {
  if (baseFiles.includes(path)) return "base";
  return path.includes("/") ? path.slice(0, path.indexOf("/")) : path.replace(/\.ts$/, "");
}

const files = (await read(src)).sort((a, b) => a.path < b.path ? -1 : 1);

Deno.test("every part has a rank", () => {
  const unknown = files.map((file) => partOf(file.path)).filter((part) => !(part in ranks));
  assertEquals([...new Set(unknown)], []);
});

Deno.test("imports run one way", () => {
  const wrong: string[] = [];
  for (const { path, imports } of files) {
    for (const { file } of imports) {
      if (file === undefined || partOf(file) === partOf(path)) continue;
      const upwards = (ranks[partOf(file)] ?? 0) >= (ranks[partOf(path)] ?? 0);
      if (upwards) wrong.push(`${path} imports ${file}`);
    }
  }
  assertEquals(wrong, []);
});

Deno.test("a package is imported only where it belongs", () => {
  const wrong: string[] = [];
  for (const { path, imports } of files) {
    for (const { from, file } of imports) {
      if (from.startsWith(".") && file !== undefined) continue;
      const name = Object.keys(packages).find((name) =>
        name.endsWith(":") ? from.startsWith(name) : from === name || from.startsWith(`${name}/`)
      );
      const known = name === undefined ? from.endsWith("deno.json") : packages[name]
        ?.includes(partOf(path));
      if (!known) wrong.push(`${path} imports ${from}`);
    }
  }
  assertEquals(wrong, []);
});

Deno.test("files do not import each other in a circle", () => {
  const values = new Map(files.map(({ path, text }) => [
    path,
    importsOf(text.replace(/^import type\b[^;]*;/gm, ""), new URL(path, src))
      .flatMap(({ file }) => file ?? []),
  ]));
  const circles: string[] = [];
  const done = new Set<string>();
  const visit = (path: string, above: readonly string[]) => {
    if (above.includes(path)) circles.push([...above.slice(above.indexOf(path)), path].join(" > "));
    if (done.has(path) || above.includes(path)) return;
    for (const next of values.get(path) ?? []) visit(next, [...above, path]);
    done.add(path);
  };
  for (const path of values.keys()) visit(path, []);
  assertEquals(circles, []);
});

Deno.test("time, randomness and the platform come in only at the edges", () => {
  const wrong: string[] = [];
  for (const { path, code } of files) {
    if (edges.some((edge) => path.startsWith(edge))) continue;
    for (const [name, pattern] of Object.entries(banned)) {
      if (pattern.test(code)) wrong.push(`${path} uses ${name}`);
    }
  }
  assertEquals(wrong, []);
});

Deno.test("every file can be read in one sitting", () => {
  const long = files
    .map(({ path, text }) => ({ path, lines: text.split("\n").length - 1 }))
    .filter(({ lines }) => lines > maxLines);
  assertEquals(long, []);
});

Deno.test("every file opens with what it is", () => {
  assertEquals(files.filter(({ text }) => !/^\/\*\*[ \n]/.test(text)).map(({ path }) => path), []);
});

Deno.test("every file is reached from an entrance", () => {
  const reached = new Set<string>();
  const waiting = files.map(({ path }) => path)
    .filter((path) => entrances.some((entrance) => path.startsWith(entrance)));
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (reached.has(path)) continue;
    reached.add(path);
    waiting.push(
      ...files.find((file) => file.path === path)?.imports.flatMap(({ file }) => file ?? []) ?? [],
    );
  }
  assertEquals(files.map(({ path }) => path).filter((path) => !reached.has(path)), []);
});

Deno.test("nothing is left for later, and nothing escapes the types", async () => {
  const tests = await read(new URL("./", import.meta.url));
  const wrong: string[] = [];
  for (const { path, code } of files) {
    const words = code.replace(/"[^"\n]*"|`[^`]*`/g, "");
    if (/(:|\bas|<)\s*any\b|\bany\[\]/.test(words)) wrong.push(`${path} uses the type any`);
  }
  for (const { path, text } of [...files, ...tests]) {
    if (/\b(TO[D]O|FIX[M]E|X{3})\b/.test(text)) wrong.push(`${path} leaves something for later`);
    if (/@ts-(ignore|nocheck|expect-error)/.test(text)) wrong.push(`${path} silences the compiler`);
  }
  assertEquals(wrong, []);
});
