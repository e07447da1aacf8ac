/** Programs that optional tests and the benchmarks need: browsers, runtimes, other brokers. */

/** The path of the first of these names that is in a folder of `PATH`; `undefined` if none is. */
export async function onPath(names: readonly string[]): Promise<string | undefined> {
  const windows = Deno.build.os === "windows";
  const folders = (Deno.env.get("PATH") ?? "").split(windows ? ";" : ":").filter(Boolean);
  for (const name of names) {
    for (const folder of folders) {
      const path = `${folder}/${name}${windows ? ".exe" : ""}`;
      if (await isFile(path)) return path;
    }
  }
  return undefined;
}

export async function isFile(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch {
    return false; // It is missing or not accessible: in either case it cannot be run.
  }
}

/** What a program says of itself on its standard output. */
export async function said(program: string, ...args: string[]): Promise<string> {
  const { stdout } = await new Deno.Command(program, { args, stderr: "null" }).output();
  return new TextDecoder().decode(stdout).trim();
}
