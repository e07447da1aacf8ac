/** Counts how often a log looks at what other gateways have appended. */

import type { Log } from "../../src/log/log.ts";

export function countLooks({ journal }: Log): { count: number } {
  const looks = { count: 0 };
  const between = journal.between.bind(journal);
  journal.between = (chore) => {
    looks.count++;
    return between(chore);
  };
  return looks;
}
