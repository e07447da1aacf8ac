/** (Store helper owns this file; the types are agreed.) */
import type { Key } from "./store.ts";

/** A key whose value tells whether a write was stored. */
export interface Evidence {
  readonly key: Key;
  readonly holds: (value: Uint8Array) => boolean;
}
