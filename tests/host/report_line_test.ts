import { assert, assertEquals, assertLess } from "@std/assert";
import { jsonLine, type Report, terminalLine } from "../../src/host/report_line.ts";

const lines = {
  json: jsonLine,
  terminal: (report: Report) => terminalLine(report, false),
} as const;

function report(fields: Report["fields"], message = "A request failed"): Report {
  return { time: "2026-11-28T15:35:25.123Z", level: "warn", message, fields };
}

const jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJlLW9mLXRoaXM";

for (const [kind, line] of Object.entries(lines)) {
  Deno.test(`${kind}: whatever is in a report, it is one line of what can be printed`, () => {
    const every = String.fromCharCode(...Array.from({ length: 0xa0 }, (_, code) => code));
    const directions = "\u061c\u200b\u200e\u200f\u2028\u2029\u202a\u202e\u2066\u2069\ufeff";
    for (const hostile of [every.slice(0, 0x60), every.slice(0x60), directions, "\ud800"]) {
      const text = line(report({ client: hostile, names: [hostile] }, hostile));
      assert(!/[^\x20-\x7e]/.test(text), text);
    }
  });

  Deno.test(`${kind}: no token is in a report, whole or cut, wherever it came from`, () => {
    const url = `https://weir.example/v1/topics/gps/events?access_token=secretsecret`;
    const long = `${"x".repeat(100)} ${jwt}`;
    for (const said of [jwt, jwt.slice(0, 40), long, `authorization: Bearer secretsecret`, url]) {
      const text = line(report({ said, error: new Error(said) }, said));
      assert(!/eyJ|secret/.test(text), text);
      assert(text.includes("[token]"), text);
    }
    const frame = JSON.stringify({ type: "hello", id: 1, token: "secretsecret" });
    assert(!line(report({ frame })).includes("secret"));
  });

  Deno.test(`${kind}: what comes from a client is cut, and so is a whole line`, () => {
    const client = "c".repeat(100_000);
    assert(line(report({ client })).includes(`${"c".repeat(128)}…`));
    assert(!line(report({ client })).includes("c".repeat(129)));
    const many = Object.fromEntries(
      Array.from({ length: 200 }, (_, i) => [`field${i}`, "\u0000".repeat(1_000)]),
    );
    const worst = report(
      { error: new Error("\u0000".repeat(10_000)), ...many },
      "\u0000".repeat(500),
    );
    assertLess(line(worst).length, 8_300);
    assert(line(worst).includes("error"), "what comes first is kept");
  });
}

Deno.test("a line for machines is JSON, whatever was left out of it", () => {
  const fields = {
    n: 1,
    is: true,
    none: null,
    list: ["a", 2],
    what: undefined,
    error: new Error("x"),
  };
  const { error, ...rest } = JSON.parse(jsonLine(report(fields)));
  assertEquals(rest, {
    time: "2026-11-28T15:35:25.123Z",
    level: "warn",
    message: "A request failed",
    n: 1,
    is: true,
    none: null,
    list: ["a", 2],
    what: "undefined",
  });
  assert(error.startsWith("Error: x\n    at "), error);
  const many = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`f${i}`, "x".repeat(99)]));
  assert(Object.keys(JSON.parse(jsonLine(report(many)))).length < 100);
});

Deno.test("a line for people is its time of day, level, message and fields", () => {
  const fields = { verb: "delete topic", object: "gps", n: 1 };
  assertEquals(
    terminalLine(report(fields, "audit"), false),
    '15:35:25.123 WARN  audit verb="delete topic" object="gps" n=1',
  );
  assert(terminalLine(report(fields), true).includes("\x1b[33mWARN \x1b[0m"));
});
