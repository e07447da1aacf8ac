/**
 * `deno task start` itself: it checks the settings, and the gateway then serves with the permissions
 * of the task and no others. All other tests that start a gateway use the flags of this task, too.
 */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import config from "../../deno.json" with { type: "json" };

const root = new URL("../../", import.meta.url);

function start(environment: Record<string, string>): Deno.ChildProcess {
  const inherited = Object.entries(Deno.env.toObject())
    .filter(([name]) => !name.startsWith("WEIR_") && name !== "HOST" && name !== "PORT");
  return new Deno.Command(Deno.execPath(), {
    args: ["task", "--quiet", "start"],
    cwd: root,
    clearEnv: true,
    env: { ...Object.fromEntries(inherited), PORT: "0", ...environment },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** Starts it on a store in a folder that is yet to be made, whose name has a blank. */
async function withFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "weir start " });
  try {
    await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("deno task start publishes a record to the disk, and ends with 0 when it is asked to", () =>
  withFolder(async (folder) => {
    const WEIR_STORE = `${folder}/of its own/weir.kv`;
    await using task = start({ WEIR_STORE });
    const said = new Response(task.stderr).text();
    const output = task.stdout.pipeThrough(new TextDecoderStream()).getReader();
    const { value: first = "" } = await output.read();
    const origin = /listening on (http:\S+)/.exec(first)?.[1];
    assert(origin, `It printed "${first}" and said "${first ? "" : await said}"`);
    const answer = await fetch(`${origin}/v1/topics/gps/records`, {
      method: "POST",
      body: '{"records":[{"key":"cab-7","value":1}]}',
    });
    assertEquals(answer.status, 200);
    assertMatch(await answer.text(), /^\{"offsets":\[\[\d,0\]\]\}$/);
    assert((await Deno.stat(WEIR_STORE)).size > 0);
    task.kill("SIGTERM");
    assertEquals((await task.status).code, 0);
    await output.cancel();
    assertEquals(await said, "");
  }));

Deno.test("deno task start finds a setting that is misspelt, and ends with one line", async () => {
  const { code, stdout, stderr } = await start({ WEIR_STOER: ":memory:" }).output();
  const text = new TextDecoder();
  assertEquals([code, text.decode(stdout)], [1, ""]);
  assertEquals(
    text.decode(stderr),
    "WEIR_STOER is not a setting: did you mean WEIR_STORE?\n",
  );
});

Deno.test("the gateway is never given all files, all variables or other programs", async () => {
  const dockerfile = await Deno.readTextFile(new URL("Dockerfile", root));
  const { start, dev } = config.tasks;
  const variables = /"(--allow-env=[^"]+)"/.exec(start.command)?.[1] ?? "no variables";
  for (const whole of [start.command, dev.command, dockerfile.replaceAll("\\\n", "")]) {
    const gateway = whole.split("deno run").at(-1) ?? "";
    assertStringIncludes(gateway, "src/main.ts");
    assertStringIncludes(gateway, `"${variables}"`);
    const granted = [...gateway.matchAll(/--allow-([a-z]+)(?=[\s"]|$)/g)].map((match) => match[1]);
    assertEquals(granted, ["net"], "without bounds");
    assert(!/--allow-(run|ffi|sys|import|all)|\s-A\s/.test(gateway), gateway);
  }
});
