/**
 * JSON in every spelling: white space, escapes that need not be, members with the same name, names
 * that come close to those that matter. For tests of what reads bytes rather than values.
 */

import fc from "fast-check";

const space = fc.constantFrom("", "", " ", "\n", "\t\r\n");

const memberName = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom("records", "publish", "value") },
  { weight: 2, arbitrary: fc.constantFrom("key", "value ", "Value", "__proto__", "", "recordz") },
  { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 5 }) },
);

/** A string as JSON. Which characters are escaped that need not be is the bits of a number. */
export function quoted(text: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.tuple(text, fc.constantFrom(0, 0, 5, -1)).map(([text, escaped]) => {
    let out = "";
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      // A pair must not be taken apart: only one half would be a lone surrogate in UTF-8.
      const escape = (unit & 0xf800) === 0xd800 || (escaped >> (i % 32)) & 1;
      out += escape
        ? `\\u${unit.toString(16).padStart(4, "0")}`
        : JSON.stringify(text[i]).slice(1, -1);
    }
    return `"${out}"`;
  });
}

function joined(items: readonly string[], space: string, brackets: string): string {
  return brackets[0] + space + items.join(`${space},`) + space + brackets[1];
}

export function arrayOf(item: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.tuple(fc.array(item, { maxLength: 3 }), space).map(([items, space]) =>
    joined(items, space, "[]")
  );
}

/** An object of members that are text already, whatever their names. */
export function objectOf(member: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.tuple(fc.array(member, { maxLength: 4 }), space).map(([members, space]) =>
    joined(members, space, "{}")
  );
}

function member(name: fc.Arbitrary<string>, value: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.tuple(quoted(name), space, value).map(([name, space, value]) =>
    `${name}${space}:${space}${value}`
  );
}

export function named(name: string, value: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return member(fc.constant(name), value);
}

const scalar = fc.oneof(
  fc.constantFrom("null", "true", "false", "0", "-0", "1e999", "-1.5E-7", '"\\\\"', '"]}"'),
  quoted(fc.string({ unit: "binary", maxLength: 6 })),
);

/** Any JSON. */
export const json = fc.letrec<{ any: string }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    scalar,
    arrayOf(tie("any")),
    objectOf(member(memberName, tie("any"))),
  ),
})).any;

const record = objectOf(fc.oneof(named("value", json), member(memberName, json)));
const records = fc.oneof({ weight: 4, arbitrary: arrayOf(fc.oneof(record, json)) }, json);
const part = objectOf(fc.oneof(named("records", records), named("value", json)));
const parts = fc.oneof({ weight: 4, arbitrary: arrayOf(fc.oneof(part, json)) }, json);
const frame = objectOf(
  fc.oneof(named("records", records), named("publish", parts), member(memberName, json)),
);

/** A message that looks much like one or several frames. */
export const message = fc.tuple(space, fc.oneof(frame, arrayOf(frame), json), space)
  .map((pieces) => pieces.join(""));
