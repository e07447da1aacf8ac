/** A kind of finding in the fewest events that show it, and the same events when all is right. */

import type { Kind } from "../finding.ts";
import type { Sketch } from "./sketch.ts";

export interface Case {
  readonly kind: Kind;
  readonly name: string;
  /** What cannot but be wrong with it. */
  readonly also?: readonly Kind[];
  /** Tells what happened, wrong or right. */
  readonly tell: (sketch: Sketch, wrong: boolean) => void;
}
