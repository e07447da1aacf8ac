/**
 * The HTTP server by itself, in this process, for rows about time: its times are options that a
 * gateway has no settings for, so here they can be short.
 */

import { listen, type WsListenOptions } from "../../src/server/ws_listener.ts";
import { anyListener } from "../support/any_listener.ts";
import type { Listening } from "./exchange.ts";

/** Listens with these options while `run` runs. */
export async function withListener(
  options: Partial<WsListenOptions>,
  run: (listening: Listening & { readonly url: string }) => Promise<void>,
): Promise<void> {
  const listener = await listen({ ...anyListener, ...options });
  try {
    await run({ url: listener.url, port: Number(new URL(listener.url).port) });
  } finally {
    await listener.close();
  }
}
