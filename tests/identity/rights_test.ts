import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { GatewayError } from "../../src/errors.ts";
import { identityOf } from "../../src/identity/claims.ts";
import { type Action, EVERYTHING, type Rights } from "../../src/identity/rights.ts";

function rightsOf(weir: Record<string, unknown>, sub = "me"): Rights {
  return identityOf({ sub, exp: 2_000_000_000, weir }).rights;
}

const publish = (topic: string, ...keys: (string | undefined)[]): Action => ({
  verb: "publish",
  topic,
  records: keys.map((key) => ({ key })),
});
const read = (topic: string, ...keys: string[]): Action => ({
  verb: "read",
  topic,
  ...keys.length > 0 ? { keys } : {},
});
const join = (group: string, ...topics: string[]): Action => ({ verb: "join", group, topics });
const describe = (topic: string): Action => ({ verb: "describe", topic });
const measure = (topic: string): Action => ({ verb: "measure", topic });
const administer: Action = { verb: "administer" };
const initProducer: Action = { verb: "init producer" };

const rows: readonly [grants: Record<string, unknown>, allowed: Action[], forbidden: Action[]][] = [
  [{}, [], [
    publish("t", "k"),
    read("t"),
    read("t", "k"),
    join("g", "t"),
    describe("t"),
    measure("t"),
    administer,
    initProducer,
  ]],
  [{ publish: ["t"] }, [publish("t", "k", undefined), describe("t"), initProducer], [
    publish("t2", "k"),
    read("t"),
    join("g", "t"),
    measure("t"),
    administer,
  ]],
  [{ subscribe: ["t-*"] }, [read("t-1"), read("t-", "k"), describe("t-1"), measure("t-1")], [
    read("t"),
    publish("t-1", "k"),
    join("g", "t-1"),
    initProducer,
  ]],
  [{ subscribe: ["t/{sub}"] }, [read("t", "me"), describe("t")], [
    read("t"),
    read("t", "you"),
    read("t", "me", "you"),
    read("t", "me2"),
    join("g", "t"),
    measure("t"),
  ]],
  [{ publish: ["t/a*", "t/b"] }, [publish("t", "a", "ab", "b"), publish("t")], [
    publish("t", "a", "c"),
    publish("t", undefined),
    publish("t", "a", undefined),
    publish("t", "bb"),
  ]],
  [{ publish: ["t/*"] }, [publish("t", "", "x")], [publish("t", undefined)]],
  [{ subscribe: ["t", "u/k"], groups: ["g-*"] }, [join("g-1", "t")], [
    join("g", "t"),
    join("g-1", "u"),
    join("g-1", "t", "u"),
    join("g-1", "other"),
  ]],
  [{ groups: ["*"] }, [], [join("g", "t")]],
  [{ admin: true }, [administer, describe("t"), measure("t")], [
    publish("t", "k"),
    read("t"),
    join("g", "t"),
    initProducer,
  ]],
];

for (const [grants, allowed, forbidden] of rows) {
  Deno.test(`${JSON.stringify(grants)} allows what it says and nothing else`, () => {
    const rights = rightsOf(grants);
    for (const action of allowed) rights.require(action);
    for (const action of forbidden) {
      const error = assertThrows(() => rights.require(action), GatewayError, "The token has no");
      assertEquals([error.code, rights.allows(action)], ["forbidden", false]);
    }
  });
}

Deno.test("where no keys are configured everything is allowed", () => {
  for (const action of [publish("t"), read("t"), join("g", "t"), administer, initProducer]) {
    EVERYTHING.require(action);
  }
});

Deno.test("grants add up, whatever their order: what one allows no other takes away", () => {
  const grants = fc.array(
    fc.constantFrom("t", "t/*", "t/a", "t/a*", "t/{sub}", "u", "*", "t*", "u/b"),
    { maxLength: 5 },
  );
  const key = fc.constantFrom(undefined, "a", "ab", "b", "me", "");
  fc.assert(
    fc.property(grants, grants, key, fc.constantFrom("t", "u", "v"), (one, more, key, topic) => {
      const action = publish(topic, key);
      const together = rightsOf({ publish: [...one, ...more] }).allows(action);
      const apart = rightsOf({ publish: one }).allows(action) ||
        rightsOf({ publish: more }).allows(action);
      const turned = rightsOf({ publish: [...more, ...one] }).allows(action);
      assertEquals([together, turned], [apart, apart]);
    }),
  );
});

Deno.test("many records are allowed only if each of them is", () => {
  const rights = rightsOf({ publish: ["t/a*", "t/b"] });
  const keys = fc.array(fc.constantFrom("a", "ab", "b", "c", undefined), { maxLength: 8 });
  fc.assert(fc.property(keys, (keys) => {
    const each = keys.every((key) => rights.allows(publish("t", key)));
    assertEquals(rights.allows(publish("t", ...keys)), each);
  }));
});
