/** Sees what is scanned from a store. */

import type { Key, Store } from "../../src/store/store.ts";

/** The keys that each scan of the store finds from now on. */
export function watchScans(store: Store): Key[][] {
  const scans: Key[][] = [];
  const scan = store.scan.bind(store);
  store.scan = async (range) => {
    const found = await scan(range);
    scans.push(found.map(({ key }) => key));
    return found;
  };
  return scans;
}
