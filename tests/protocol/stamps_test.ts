/** The numbers of frames that are refused: those that can be read, of as many parts as may be under way. */

import { assertEquals } from "@std/assert";
import { PRODUCER } from "../../src/limits.ts";
import { stampsIn } from "../../src/protocol/publish.ts";

const producer = { id: "p", epoch: 1, sequence: 7 };

const given: Readonly<Record<string, readonly [frame: unknown, sequences: readonly number[]]>> = {
  "a publish": [{ type: "publish", topic: 7, producer }, [7]],
  "a publish whose number is none": [
    { type: "publish", producer: { ...producer, sequence: -1 } },
    [],
  ],
  "a publish without a producer": [{ type: "publish" }, []],
  "a transact, of which some parts have a number": [
    {
      type: "transact",
      publish: [{ producer }, {}, 7, { producer: { ...producer, sequence: 8 } }],
    },
    [7, 8],
  ],
  "a transact with two epochs of one producer and one of another": [
    {
      type: "transact",
      publish: [
        { producer },
        { producer: { ...producer, epoch: 2 } },
        { producer: { id: "q", epoch: 2, sequence: 9 } },
      ],
    },
    [9],
  ],
  "a transact of more parts than may be": [
    { type: "transact", publish: Array(1_000).fill({ producer }) },
    Array(PRODUCER.window).fill(7),
  ],
  "a transact of none": [{ type: "transact", publish: "none" }, []],
  "another frame": [{ type: "subscribe", producer }, []],
  "no frame": ["publish", []],
};

for (const [what, [frame, sequences]] of Object.entries(given)) {
  Deno.test(`the numbers in ${what} are those that can be read`, () => {
    assertEquals(stampsIn(frame).map(({ sequence }) => sequence), sequences);
  });
}
