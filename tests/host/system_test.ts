import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { AssertionFailed } from "../../src/assert.ts";
import { newId } from "../../src/host/host.ts";
import { SystemClock, systemHost, SystemRandom, SystemTelemetry } from "../../src/host/system.ts";

/** A telemetry, and the lines that it has written. */
function telemetryAndLines(): { telemetry: SystemTelemetry; lines: string[] } {
  const lines: string[] = [];
  return { telemetry: new SystemTelemetry((line) => lines.push(line)), lines };
}

Deno.test("counters and histograms are Prometheus text, with buckets that add up", () => {
  const { telemetry } = telemetryAndLines();
  telemetry.count("publishes_total");
  telemetry.count("publishes_total", 4);
  for (const ms of [0.2, 0.25, 3, 9_000]) telemetry.observe("write_ms", ms);
  const text = telemetry.metrics();
  assert(text.startsWith("# TYPE weir_publishes_total counter\nweir_publishes_total 5\n"), text);
  const buckets = [...text.matchAll(/weir_write_ms_bucket{le="([^"]+)"} (\d+)\n/g)]
    .map(([, bound, below]) => `${bound}: ${below}`);
  assertEquals(buckets.slice(0, 6), ["0.25: 2", "0.5: 2", "1: 2", "2.5: 2", "5: 3", "10: 3"]);
  assertEquals(buckets.slice(-2), ["5000: 3", "+Inf: 4"]);
  assert(text.includes("# TYPE weir_write_ms histogram\n"), text);
  assert(text.endsWith("weir_write_ms_sum 9003.45\nweir_write_ms_count 4\n"), text);
});

Deno.test("a report is one line of JSON, whatever is in it", () => {
  const { telemetry, lines } = telemetryAndLines();
  const hostile = "a\nb\u001b[31m\u0000\u007f\u009b\u2028\u202e\u2066\ud800";
  telemetry.report("warn", hostile, {
    client: hostile,
    error: new Error("a\nb\u009b"),
    n: 1,
    is: true,
  });
  const [line = ""] = lines;
  assert(!/[^\x20-\x7e]/.test(line), `only printable characters: ${line}`);
  const { time, error, ...rest } = JSON.parse(line);
  assertEquals(rest, { level: "warn", message: hostile, client: hostile, n: 1, is: true });
  assert(!Number.isNaN(Date.parse(time)), time);
  assert(error.startsWith("Error: a\nb"), "an error is reported with where it came from");
});

Deno.test("what a report says is cut", () => {
  const { telemetry, lines } = telemetryAndLines();
  telemetry.report("info", "m".repeat(10_000), { field: "f".repeat(10_000) });
  const { message, field } = JSON.parse(lines[0] ?? "");
  assertEquals([message.length, field.length], [129, 129]);
});

Deno.test("numbers are in [0, 1) and spread", () => {
  const random = new SystemRandom();
  const tenths = new Set<number>();
  for (let i = 0; i < 5_000; i++) {
    const number = random.number();
    assert(number >= 0 && number < 1);
    tenths.add(Math.floor(number * 10));
  }
  assertEquals(tenths.size, 10);
});

Deno.test("bytes are the caller's own, and none come twice", () => {
  const random = new SystemRandom();
  const seen = new Set<string>();
  const first = random.bytes(16);
  const kept = first.slice();
  for (let i = 0; i < 1_000; i++) seen.add(random.bytes(16).join());
  assertEquals(seen.size, 1_000);
  assertEquals(first, kept);
  assertEquals(random.bytes(4_096).length, 4_096);
  assertThrows(() => random.bytes(4_097), AssertionFailed);
});

Deno.test("ids are distinct, and in the order of time", () => {
  const host = systemHost();
  const ids = Array.from({ length: 500 }, () => newId(host));
  assertEquals(new Set(ids).size, ids.length);
  const times = ids.map((id) => id.slice(0, 10));
  assertEquals(times, times.toSorted());
});

Deno.test("what is due runs once, what is cancelled never", async () => {
  const clock = new SystemClock();
  const ran: string[] = [];
  clock.after(0, () => ran.push("cancelled"))();
  const cancel = clock.after(0, () => ran.push("due"));
  await new Promise<void>((resolve) => clock.after(5, resolve));
  cancel();
  assertEquals(ran, ["due"]);
});

Deno.test("the monotonic clock does not go back", () => {
  const clock = new SystemClock();
  const first = clock.monotonic();
  assert(clock.monotonic() >= first);
  assertNotEquals(clock.now(), 0);
});
