/** Scans of any length under a prefix, a page at a time. */

import { STORE } from "../limits.ts";
import type { Entry, Key, Store } from "./store.ts";

/** The entries in key order. A page is read when the previous one is used up. */
export async function* scanAll(
  store: Store,
  prefix: Key,
  limit: number = STORE.scanEntries / 2,
): AsyncGenerator<Entry> {
  let last: Key | undefined;
  for (;;) {
    // The smallest key after `last` is `last` plus an empty string.
    const start = last ? { start: [...last, ""] } : {};
    const page = await store.scan({ prefix, ...start, limit });
    yield* page;
    last = page.at(-1)?.key;
    if (page.length < limit) return;
  }
}
