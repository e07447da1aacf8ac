/** The conformance vectors, run against the decoder: see `tests/vectors/README.md`. */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { type Decoded, decodeMessage } from "../../src/protocol/codec.ts";

type Outcome = "accepted" | {
  readonly code: string;
  readonly id?: number;
  readonly names?: string;
};

interface Vector {
  readonly claim: string;
  readonly frame?: unknown;
  readonly text?: string;
  readonly frames: readonly Outcome[];
}

const folder = new URL("../vectors/frames/", import.meta.url);

for (const file of [...Deno.readDirSync(folder)].map(({ name }) => name).sort()) {
  const vectors: Vector[] = JSON.parse(Deno.readTextFileSync(new URL(file, folder)));
  for (const vector of vectors) {
    Deno.test(`${file}: ${vector.claim}`, () => {
      const text = vector.text ?? JSON.stringify(vector.frame);
      const decoded = decodeMessage(new TextEncoder().encode(text));
      assertEquals(decoded.length, vector.frames.length);
      for (const [i, expected] of vector.frames.entries()) {
        const { id, error } = decoded[i] as Decoded;
        if (expected === "accepted") {
          assertEquals(error?.message, undefined);
        } else {
          assertEquals({ code: error?.code, id }, { code: expected.code, id: expected.id });
          assertStringIncludes(error?.message ?? "", expected.names ?? "");
          // Whatever the client sent, what we say about it fits one line of a terminal.
          assertMatch(error?.message ?? "", /^\P{Cc}+$/u);
        }
      }
    });
  }
}
