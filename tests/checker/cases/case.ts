/** A kind of finding in the fewest events that show it, and the same events without the fault. */

import type { Kind } from "../finding.ts";
import type { Sketch } from "./sketch.ts";

export interface Case {
  readonly kind: Kind;
  readonly name: string;
  /** Other kinds that are inevitably found with it. */
  readonly also?: readonly Kind[];
  /** Tells the history, wrong or correct. */
  readonly tell: (sketch: Sketch, wrong: boolean) => void;
}
