import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { GatewayError } from "../../src/errors.ts";
import { check } from "../../src/protocol/fields.ts";
import { FRAMES } from "../../src/protocol/frames.ts";
import { readPublish } from "../../src/protocol/publish.ts";

const odd = fc.constantFrom<unknown>(
  null,
  1.5,
  -0,
  -1,
  2 ** 53,
  "",
  "_",
  ".",
  "a\u0000",
  [],
  {},
  true,
);
const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 4 }),
  fc.constantFrom("gps", "x".repeat(201)),
);
const anything = fc.oneof(odd, text, fc.nat());
const stamp = fc.record({ id: anything, epoch: anything, sequence: anything, more: odd }, {
  requiredKeys: [],
});
const frame = fc.record({
  topic: anything,
  records: fc.oneof({ weight: 3, arbitrary: fc.array(odd) }, anything),
  producer: fc.oneof({ weight: 3, arbitrary: stamp }, anything),
  more: odd,
}, { requiredKeys: [] });

function outcome(read: () => unknown): unknown {
  try {
    return read();
  } catch (error) {
    return (error as GatewayError).message;
  }
}

Deno.test("a publish is taken and refused as its schema says, word for word", () => {
  fc.assert(
    fc.property(frame, (given) => {
      const read = outcome(() => ({ type: "publish", ...readPublish(given) }));
      const checked = outcome(() => {
        return { producer: undefined, ...check(FRAMES.publish, { ...given, type: "publish" }) };
      });
      assertEquals(read, checked);
    }),
    { numRuns: 5_000 },
  );
});
