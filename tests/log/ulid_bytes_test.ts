import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { ulid } from "ulid";
import { ByteWriter } from "../../src/log/bytes.ts";
import { isUlid, packUlid, unpackUlid } from "../../src/log/ulid_bytes.ts";

Deno.test("a ULID is packed into 16 bytes and comes back", () => {
  const times = fc.integer({ min: 0, max: 2 ** 48 - 1 });
  const randoms = fc.array(fc.nat(31), { minLength: 16, maxLength: 16 });
  fc.assert(fc.property(times, randoms, (time, digits) => {
    let i = 0;
    const text = ulid(time, () => (digits[i++] ?? 0) / 32);
    assertEquals(isUlid(text), true);
    const writer = new ByteWriter();
    packUlid(text, writer);
    assertEquals(writer.length, 16);
    assertEquals(unpackUlid(writer.copy()), text);
  }));
});

Deno.test("what is not 128 bits in capital Crockford letters is no ULID", () => {
  const table = ["", "driver-1", "01kb0000000000000000000000", "81KB0000000000000000000000"];
  const letters = ["I", "L", "O", "U", "-", "é"].map((letter) =>
    `01KB000000000000000000000${letter}`
  );
  for (const text of [...table, ...letters, "01KB00000000000000000000000"]) {
    assertEquals(isUlid(text), false, text);
  }
});
