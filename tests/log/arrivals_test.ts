import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { GatewayError } from "../../src/errors.ts";
import { LOG } from "../../src/limits.ts";
import type { Append, Arrived } from "../../src/log/append.ts";
import { Arrivals } from "../../src/log/arrivals.ts";
import { Lane } from "../../src/log/lane.ts";
import { unreadable } from "../../src/store/store.ts";
import { settled } from "../support/test_host.ts";

const RECORD = { source: new Uint8Array([0x31]), from: 0, to: 1 };

function appendTo(topics: readonly number[], lane?: Lane): Append {
  return {
    parts: topics.map((id) => ({
      topic: { id: `${id}`, name: `t${id}`, partitions: 1 },
      records: [RECORD],
      ...(lane ? { admission: { lane, generation: 0, repeat: false } } : {}),
    })),
    done() {},
  };
}

function arrived(append: Append, since = 0): Arrived {
  return { append, number: 0, since };
}

/** Arrivals whose topics are loaded, or cannot be, when the test says so. */
function fixture() {
  const ready = new Set<string>();
  const loads: (() => void)[] = [];
  const out: { readonly append: Append; readonly error?: GatewayError }[] = [];
  const looks = { count: 0 };
  const arrivals = new Arrivals({
    admit({ append }) {
      looks.count++;
      const isReady = append.parts.every(({ topic }) => ready.has(topic.id));
      if (isReady) out.push({ append });
      return isReady;
    },
    load: ({ parts }) =>
      new Promise<void>((resolve, reject) => {
        loads.push(() => {
          for (const { topic } of parts) if (topic.id !== "0") ready.add(topic.id);
          const isLoaded = parts.every(({ topic }) => ready.has(topic.id));
          if (isLoaded) resolve();
          else reject(unreadable("topic 0 is never loaded"));
        });
      }),
    refuse: ({ append }, error) => void out.push({ append, error }),
  });
  return { arrivals, loads, out, looks };
}

Deno.test("a topic that is loaded lets in what waits for it, and nothing else is looked at", async () => {
  const { arrivals, loads, out, looks } = fixture();
  for (let i = 1; i <= 200; i++) {
    for (let n = 0; n < 3; n++) arrivals.take(arrived(appendTo([i])));
  }
  assertEquals(loads.length, 200);
  for (const load of loads) {
    load();
    await settled();
  }
  assertEquals(out.length, 600);
  assert(looks.count <= 200 + 600, "each that begins to load, and each that is let in");
});

Deno.test("whatever waits for what, all are answered, and none overtakes one of its topic or its lane", async () => {
  const one = fc.record({
    topics: fc.uniqueArray(fc.nat(4), { minLength: 1, maxLength: 3 }),
    lane: fc.option(fc.nat(2), { nil: undefined }),
  });
  const step = fc.oneof(
    { weight: 4, arbitrary: one.map((arrives) => ({ arrives })) },
    { weight: 3, arbitrary: fc.nat().map((loads) => ({ loads })) },
    { weight: 1, arbitrary: fc.constant({ ticks: true }) },
  );
  const steps = fc.array(step, { maxLength: 60, size: "max" });
  await fc.assert(
    fc.asyncProperty(steps, async (given) => {
      const { arrivals, loads, out } = fixture();
      const lanes = [new Lane(), new Lane(), new Lane()];
      const came: Append[] = [];
      let now = 0;
      for (const step of given) {
        if ("arrives" in step) {
          const { topics, lane } = step.arrives;
          const append = appendTo(topics, lane === undefined ? undefined : lanes[lane]);
          came.push(append);
          arrivals.take(arrived(append, now++));
        } else if ("loads" in step) {
          loads.splice(step.loads % (loads.length + 1), 1)[0]?.();
          await settled();
        } else arrivals.tick(now / 2 + LOG.publishMs);
      }
      while (loads.length > 0) {
        loads.shift()?.();
        await settled();
      }
      assertEquals(new Set(out.map(({ append }) => append)), new Set(came));
      assertEquals(out.length, came.length);
      const at = new Map(out.map(({ append }, i) => [append, i]));
      for (const [i, append] of came.entries()) {
        const earlier = came.slice(0, i).filter((other) => shares(append, other));
        for (const other of earlier) assert((at.get(other) ?? 0) < (at.get(append) ?? 0));
      }
    }),
    { numRuns: 300 },
  );
});

function shares(one: Append, other: Append): boolean {
  const touched = ({ parts }: Append) =>
    parts.flatMap(({ topic, admission }) => admission ? [topic.id, admission.lane] : [topic.id]);
  const ofOther = new Set<unknown>(touched(other));
  return touched(one).some((what) => ofOther.has(what));
}
