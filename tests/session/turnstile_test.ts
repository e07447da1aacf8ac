import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { type Passage, Turnstile } from "../../src/session/turnstile.ts";

/** Passes and keeps the way out. */
function pass(
  turnstile: Turnstile,
  passage: Passage,
  name: string,
  inside: Map<string, () => void>,
) {
  turnstile.pass(passage, (leave) => inside.set(name, leave));
}

Deno.test("what shares a key passes together, what has it alone waits for all before it", () => {
  const turnstile = new Turnstile();
  const inside = new Map<string, () => void>();
  assert(turnstile.share("t"));
  assert(turnstile.share("t"));
  pass(turnstile, { alone: ["t"] }, "subscribe", inside);
  assert(!turnstile.share("t"), "nothing overtakes what waits");
  pass(turnstile, { shared: ["t"] }, "publish", inside);
  turnstile.unshare("t");
  assertEquals([...inside.keys()], []);
  turnstile.unshare("t");
  assertEquals([...inside.keys()], ["subscribe"]);
  inside.get("subscribe")?.();
  assertEquals([...inside.keys()], ["subscribe", "publish"]);
});

Deno.test("any number that wait for one and leave at once get through", () => {
  const turnstile = new Turnstile();
  let through = 0;
  assert(turnstile.share("t"));
  for (let i = 0; i < 100_000; i++) {
    turnstile.pass({ alone: ["t"] }, (leave) => {
      through++;
      leave();
    });
  }
  turnstile.unshare("t");
  assertEquals(through, 100_000);
});

Deno.test("other keys are not held up", () => {
  const turnstile = new Turnstile();
  const inside = new Map<string, () => void>();
  pass(turnstile, { alone: ["t"] }, "one", inside);
  pass(turnstile, { alone: ["u"] }, "two", inside);
  assertEquals([...inside.keys()], ["one", "two"]);
});

Deno.test("through any passages nobody shares what another has alone, order holds, and all get through", () => {
  const keys = fc.subarray(["a", "b", "c"]);
  const passages = fc.array(fc.record({ shared: keys, alone: keys }), {
    maxLength: 25,
    size: "max",
  });
  fc.assert(
    fc.property(passages, fc.infiniteStream(fc.nat()), (given, chance) => {
      const turnstile = new Turnstile();
      const inside = new Map<string, () => void>();
      const entered: number[] = [];
      const leaveOne = () => {
        const names = [...inside.keys()];
        const name = names[(chance.next().value ?? 0) % names.length];
        if (name === undefined) return;
        const leave = inside.get(name);
        inside.delete(name);
        leave?.();
      };
      for (const [i, passage] of given.entries()) {
        turnstile.pass(passage, (leave) => {
          for (const other of inside.keys()) {
            assert(!conflict(passage, given[Number(other)]), `${i} is in with ${other}`);
          }
          for (let earlier = 0; earlier < i; earlier++) {
            const waits = !entered.includes(earlier) && conflict(passage, given[earlier]);
            assert(!waits, `${i} has overtaken ${earlier}`);
          }
          entered.push(i);
          inside.set(String(i), leave);
        });
        if ((chance.next().value ?? 0) % 3 === 0) leaveOne();
      }
      while (inside.size > 0) leaveOne();
      assertEquals(entered.length, given.length, "somebody waits for ever");
    }),
    { numRuns: 200 },
  );
});

function conflict(a: Passage, b: Passage | undefined): boolean {
  const touched = new Set([...b?.shared ?? [], ...b?.alone ?? []]);
  return (a.alone ?? []).some((key) => touched.has(key)) ||
    (b?.alone ?? []).some((key) => a.shared?.includes(key) || a.alone?.includes(key));
}
