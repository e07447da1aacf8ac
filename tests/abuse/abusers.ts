/** All abusers by the names that `--only` takes, in the order in which they run. */

import type { Abuser } from "./abuser.ts";
import { busyNeighbour, nothing } from "./controls.ts";
import { connectClose, endlessGroup, halfOpen, neverCloses, silent } from "./crowds.ts";
import { flood, publishStorm, tooManyKeys } from "./floods.ts";
import { byteASecond, endlessCredit, stoppedReader } from "./readers.ts";

export const ABUSERS = {
  "nothing": nothing,
  "busy-neighbour": busyNeighbour,
  "stopped-reader": stoppedReader,
  "byte-a-second": byteASecond,
  "endless-credit": endlessCredit,
  "never-closes": neverCloses,
  "silent": silent,
  "half-open": halfOpen,
  "connect-close": connectClose,
  "flood": flood,
  "publish-storm": publishStorm,
  "too-many-keys": tooManyKeys,
  "endless-group": endlessGroup,
} as const satisfies Record<string, Abuser>;

export type AbuserName = keyof typeof ABUSERS;

export function isAbuser(name: string): name is AbuserName {
  return Object.hasOwn(ABUSERS, name);
}
