/** The demo as its page uses it: what it shows, what its buttons do, and what it comes to. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Demo, groupOf } from "../support/demo.ts";

const total = 8;

Deno.test("the page is there, lets in no other script, and its API refuses what makes no sense", async () => {
  await using demo = await Demo.start("--drivers", "50");
  const page = await fetch(`${demo.origin}/`);
  assertEquals([page.status, page.url], [200, `${demo.origin}/demo`]);
  assertStringIncludes(await page.text(), "/demo/assets/demo.js");
  const { gateway } = await demo.about();
  assertStringIncludes(
    page.headers.get("content-security-policy") ?? "",
    `default-src 'none'; script-src 'self' ${gateway};`,
  );
  for (const name of ["demo", "groups", "map", "notifications", "queue", "tracking"]) {
    const asset = await fetch(`${demo.origin}/demo/assets/${name}.js`);
    assertMatch(asset.headers.get("content-type") ?? "", /^text\/javascript/);
    await asset.body?.cancel();
  }
  const refused: [string, unknown, RegExp][] = [
    ["kill", { group: "nobody" }, /must be one of fare-meter, surge, archive/],
    ["kill", { group: "surge", member: "surge-99" }, /No such consumer runs: surge-99/],
    ["start", {}, /must be one of/],
    ["database", { paused: 1 }, /must be true or false, not 1/],
    ["rain", "[]", /must be a JSON object/],
    ["rain", "{", /must be a JSON object/],
  ];
  for (const [path, body, message] of refused) {
    const { status, text } = await demo.act(path, body);
    assertEquals(status, 400, path);
    assertMatch(text, message);
  }
  assertEquals((await demo.act("nothing")).status, 404);
  const foreign = { origin: "https://evil.example" };
  assertEquals((await demo.act("kill", { group: "surge" }, foreign)).status, 403);
});

Deno.test("partitions of a killed consumer go on elsewhere, a stopped database loses nothing", async () => {
  await using demo = await Demo.start("--drivers", "300");
  const shared = (name: string, members: number) =>
    demo.until(`${members} members of ${name} share all partitions`, (state) => {
      const alive = groupOf(state, name).members.filter(({ alive }) => alive);
      const owned = alive.flatMap(({ partitions }) => partitions);
      return alive.length === members && new Set(owned).size === total && owned.length === total;
    });
  await shared("fare-meter", 3);
  assertEquals(
    (await demo.act("kill", { group: "fare-meter", member: "fare-meter-2" })).status,
    204,
  );
  const afterKill = groupOf(await shared("fare-meter", 2), "fare-meter");
  assertEquals(afterKill.members.find(({ name }) => name === "fare-meter-2")?.alive, false);
  await demo.act("start", { group: "fare-meter" });
  await shared("fare-meter", 3);

  await demo.act("database", { paused: true });
  await demo.until("lag grows", (state) => groupOf(state, "archive").lag > 300);
  await demo.act("kill", { group: "archive" });
  await demo.act("database", { paused: false });
  await demo.until("lag drains", (state) => groupOf(state, "archive").lag < 150);

  await demo.act("gateway/restart");
  const { acknowledged } = await demo.state();
  await demo.until(
    "drivers go on after a crash",
    (state) => state.gateway.up && state.acknowledged > acknowledged + 600,
  );
  const { code, lines } = await demo.interrupt();
  const last = lines.at(-1) ?? "";
  assertMatch(
    last,
    /^acknowledged (\d+) {2}lost 0 {2}duplicated 0 {2}rides (\d+) of \2 .*rows \1 {2}consumers started 10, killed 2$/,
  );
  assertEquals(code, 0);
});

Deno.test("a work queue loses no order, and does one twice at most when a cook dies", async () => {
  await using demo = await Demo.start("--use", "queue");
  await demo.until("cooks cook", (state) => groupOf(state, "kitchen").members.length === 3);
  await demo.act("kill", { group: "kitchen" });
  await demo.until(
    "two share",
    ({ log }) => log.some(({ text }) => /kitchen-[23] goes on/.test(text)),
  );
  const { code, lines } = await demo.interrupt();
  assertMatch(
    lines.at(-1) ?? "",
    /^orders (\d+) {2}done \1 {2}lost 0 {2}repeated [01] {2}consumers started 3, killed 1$/,
  );
  assertEquals(code, 0);
});

Deno.test("notifications reach every group", async () => {
  await using demo = await Demo.start("--use", "notifications");
  assertEquals((await demo.act("notify", { text: "Hello" })).status, 204);
  assertEquals((await demo.act("notify", { user: "ada", text: "Hello" })).status, 204);
  assertMatch(
    (await demo.act("notify", { user: "zoe", text: "Hello" })).text,
    /must be one of ada/,
  );
  const { code, lines } = await demo.interrupt();
  assertMatch(lines.at(-1) ?? "", /^sent (\d+) {2}apns \1 {2}fcm \1 {2}mail \1 {2}lost 0 /);
  assertEquals(code, 0);
});

Deno.test("what makes no sense on the command line is said, with the usage", async () => {
  const wrong: [string[], RegExp][] = [
    [["--use", "chess"], /^--use must be tracking, queue or notifications, not chess/],
    [["--drivers", "1.5"], /^--drivers must be a whole number from 1 to 100000, not "1.5"/],
    [["--minutes", "0"], /^--minutes must be a number from 0.01 to 10000, not "0"/],
    [["--url", "here"], /^--url must be the address of a gateway/],
    [["--fast"], /fast/],
    [["--replay", "no-such-file.tsv", "--port", "0", "--gateway-port", "0"], /no-such-file/],
  ];
  for (const [options, message] of wrong) {
    const { code, lines } = await Demo.run(...options);
    assert(lines.some((line) => message.test(line)), `${options}: ${lines}`);
    assertEquals(code, 1);
  }
});
