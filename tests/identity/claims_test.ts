import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { GatewayError } from "../../src/errors.ts";
import { identityOf } from "../../src/identity/claims.ts";
import { readScopedName, scopedName } from "../../src/identity/scoped_name.ts";

const valid = { sub: "me", exp: 2_000_000_000 };

Deno.test("a token says who it is, until when, and what it is limited to", () => {
  const { subject, expiresAt, limits } = identityOf({
    ...valid,
    exp: 2_000_000_000.5,
    weir: { rate: 5, sockets: 2, color: "red" },
    iss: "someone",
  });
  assertEquals([subject, expiresAt, limits], ["me", 2_000_000_000_500, { rate: 5, sockets: 2 }]);
});

const wrong: readonly [name: string, payload: unknown, why: RegExp][] = [
  ["no object", "x", /claim/],
  ["no subject", { exp: 1 }, /sub must be/],
  ["an empty subject", { ...valid, sub: "" }, /sub must be/],
  ["a subject that is no string", { ...valid, sub: 7 }, /sub must be/],
  ["a subject with half a character", { ...valid, sub: "\ud800" }, /sub must be/],
  ["a long subject", { ...valid, sub: "s".repeat(256) }, /sub must be/],
  ["no end", { sub: "me" }, /exp must be/],
  ["an end in words", { ...valid, exp: "2000000000" }, /exp must be/],
  ["an end behind all time", { ...valid, exp: 1e15 }, /exp must be/],
  ["an infinite end", { ...valid, exp: Infinity }, /exp must be/],
  ["an end before time", { ...valid, exp: -1 }, /exp must be/],
  ["grants that are none", { ...valid, weir: null }, /weir must be an object/],
  ["a list of grants", { ...valid, weir: [] }, /weir must be an object/],
  ["one pattern for a list", { ...valid, weir: { publish: "t" } }, /publish must be an array/],
  [
    "a pattern that is no string",
    { ...valid, weir: { groups: [7] } },
    /groups\[0\] must be a string/,
  ],
  ["admin in words", { ...valid, weir: { admin: "true" } }, /admin must be true or false/],
  ["a null grant", { ...valid, weir: { subscribe: null } }, /subscribe must be/],
  ["a rate of nothing", { ...valid, weir: { rate: 0 } }, /rate must be/],
  ["half a socket", { ...valid, weir: { sockets: 0.5 } }, /sockets must be/],
  ["what is no pattern", { ...valid, weir: { publish: ["a*b"] } }, /publish has "a\*b"/],
  ["a group with a key", { ...valid, weir: { groups: ["g/k"] } }, /groups has "g\/k"/],
];

for (const [name, payload, why] of wrong) {
  Deno.test(`${name} makes a token invalid`, () => {
    const error = assertThrows(() => identityOf(payload), GatewayError);
    assertEquals(error.code, "unauthenticated");
    assertMatch(error.message, why);
  });
}

Deno.test("names of two subjects never meet, and are read as they were given", () => {
  const subjects = ["a", "a\0b", "b", ""];
  const names = ["x", "b x", "a"];
  const all = subjects.flatMap((subject) => names.map((name) => ({ subject, name })));
  const scoped = all.map(({ subject, name }) => scopedName(subject, name));
  assertEquals(new Set(scoped).size, all.length);
  assertEquals(
    scoped.map(readScopedName),
    all.map(({ subject, name }) => subject === "" ? { name } : { subject, name }),
  );
});
