/** Rows of growth. */

import { growth } from "../growth.ts";
import type { Row } from "../row.ts";

export const growthRows: readonly Row[] = [
  {
    name: "P8",
    load:
      "10,000,000 records in the store (--quick: a tenth); 1,000 topics; 1,000 members of a group",
    goal: "append and read as when empty (± 10 %), ready < 1 s; even again < 2 s",
    isOnce: true,
    figures: growth,
  },
];
