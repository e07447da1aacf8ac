/**
 * `deno task test` and `deno task types`: runs `deno test` or `deno check` over the tests, which
 * import `@std/assert`; and `deno run` for programs that use what the tests do. Where the registry that has it cannot be reached, the shim in
 * `support/std_assert.ts` stands in for it, by an import map that is otherwise the one of
 * `deno.json`. It finds out by trying, so that one command works everywhere.
 *
 * Either way what is fetched must have the integrity that `deno.lock` says, and no run rewrites that
 * file: it is frozen, or a copy is used where it lists what could not be fetched when it was made.
 */

import config from "../deno.json" with { type: "json" };

const probeMs = 5_000;
const root = new URL("..", import.meta.url);

/** Whether `@std/assert` itself can be had here. */
async function assertIsReachable(): Promise<boolean> {
  const probe = new Deno.Command(Deno.execPath(), {
    args: ["cache", "--no-lock", config.imports["@std/assert"]],
    cwd: root,
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  const timer = setTimeout(() => probe.kill("SIGKILL"), probeMs);
  const { success } = await probe.status;
  clearTimeout(timer);
  return success;
}

/** The options for one of the two cases, whose files are in `folder`. */
async function dependencyOptions(folder: string): Promise<string[]> {
  if (await assertIsReachable()) {
    await Deno.copyFile(new URL("deno.lock", root), `${folder}/deno.lock`);
    return [`--lock=${folder}/deno.lock`];
  }
  const shim = new URL("tests/support/std_assert.ts", root).href;
  const imports = { ...config.imports, "@std/assert": shim };
  await Deno.writeTextFile(`${folder}/imports.json`, JSON.stringify({ imports }));
  return ["--frozen", `--import-map=${folder}/imports.json`];
}

/** Test files that run at once: a file waits more than it works, but many at once disturb each other. */
const jobs = Math.min(4, Math.max(2, navigator.hardwareConcurrency));

const [name, ...rest] = Deno.args;
const commands: Record<string, string[]> = {
  test: ["test", "--allow-all", "--parallel"],
  check: rest.length > 0 ? ["check"] : ["check", "src", "tests"],
  run: ["run", "--allow-all"],
};
const command = commands[name ?? ""];
if (!command) throw new Error(`The first argument must be test, check or run, not ${name}`);

const folder = await Deno.makeTempDir({ prefix: "weir_test_" });
const options = await dependencyOptions(folder);
const { code } = await new Deno.Command(Deno.execPath(), {
  args: [...command, ...options, ...rest],
  cwd: root,
  env: { DENO_JOBS: Deno.env.get("DENO_JOBS") ?? String(jobs) },
}).spawn().status;
await Deno.remove(folder, { recursive: true });
Deno.exit(code);
