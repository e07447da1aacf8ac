/**
 * Deno KV behind a server (KV Connect): `denokv`, or any other, which several gateways share. Uses
 * the Deno team's npm client and not the one that is built into Deno: that one resends a write
 * again and again without an id to recognise it by, and has no deadlines. Here only `transact.ts`
 * sends anything twice.
 */

import { openKv } from "@deno/kv";
import { deserialize, serialize } from "node:v8";
import { STORE } from "../limits.ts";
import { claimFormat, DenoKvStore, StoreRefused } from "./deno_kv.ts";
import type { Store } from "./store.ts";

const LET_GO_MS = 20;

/** Opens the store at this address. Throws `StoreRefused` if it cannot be used. */
export async function openKvConnect(url: string, token: string | undefined): Promise<Store> {
  if (token === undefined) {
    throw new StoreRefused(`The store ${url} asks for a token: set DENO_KV_ACCESS_TOKEN`);
  }
  await requireAnswer(url, token);
  const kv = await openedKv(url, token);
  try {
    await claimFormat(kv, url);
  } catch (error) {
    kv.close();
    if (error instanceof StoreRefused) throw error;
    throw cannotOpen(url, error);
  }
  return new KvConnectStore(kv, { shared: true });
}

/** Before it can be used, the client asks the server for its data endpoints. */
async function openedKv(url: string, token: string): Promise<Deno.Kv> {
  const options = {
    accessToken: token,
    implementation: "remote",
    maxRetries: 0,
    encodeV8: serialize,
    decodeV8: deserialize,
    fetcher,
  } as Parameters<typeof openKv>[1];
  try {
    return await openKv(url, options) as unknown as Deno.Kv;
  } catch (error) {
    throw cannotOpen(url, error);
  }
}

function cannotOpen(url: string, error: unknown): StoreRefused {
  return new StoreRefused(`Cannot open the store ${url}: ${(error as Error).message}`);
}

/** The client must not be closed while it cancels a watch: it would release its reader twice. */
class KvConnectStore extends DenoKvStore {
  #watched = false;

  override watch(...watch: Parameters<DenoKvStore["watch"]>): () => void {
    this.#watched = true;
    return super.watch(...watch);
  }

  override close(): void {
    if (this.#watched) setTimeout(() => super.close(), LET_GO_MS);
    else super.close();
  }
}

function fetcher(input: string | URL, init: RequestInit = {}): Promise<Response> {
  if (new URL(input).pathname.endsWith("/watch")) return fetchWatch(input, init);
  return fetch(input, { ...init, signal: AbortSignal.timeout(STORE.callMs) });
}

/**
 * A watch is one endless response: only its beginning has a deadline. A watch that fails or breaks
 * is reported as a response that has ended: the client then retries after a while, whereas it would
 * leave a rejection that nobody can catch.
 */
async function fetchWatch(input: string | URL, init: RequestInit): Promise<Response> {
  const headers = { "content-type": "application/octet-stream" };
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), STORE.callMs);
  try {
    const response = await fetch(input, { ...init, signal: late.signal });
    if (response.ok && response.body) {
      return new Response(untilItBreaks(response.body), { headers });
    }
    await response.body?.cancel();
  } catch {
    // Treated like one that broke at once.
  } finally {
    clearTimeout(timer);
  }
  return new Response(new Blob().stream(), { headers });
}

function untilItBreaks(body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  return new ReadableStream({
    async pull(controller) {
      const next = await reader.read().catch(() => ({ done: true, value: undefined }));
      if (next.value) controller.enqueue(next.value);
      else controller.close();
    },
    cancel() {
      reader.cancel().catch(() => {});
      // The client forgets its reader when this resolves, and must have released it by then.
      return new Promise((resolve) => setTimeout(resolve, 0));
    },
  });
}

/**
 * Sends the server the client's first request, to be able to say in one line why it cannot be used.
 */
async function requireAnswer(url: string, token: string): Promise<void> {
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const body = JSON.stringify({ supportedVersions: [1, 2, 3] });
  let response: Response;
  try {
    const signal = AbortSignal.timeout(STORE.callMs);
    response = await fetch(url, { method: "POST", headers, body, signal });
  } catch (error) {
    throw new StoreRefused(`The store ${url} cannot be reached: ${(error as Error).message}`);
  }
  await response.body?.cancel();
  if (response.ok) return;
  throw new StoreRefused(
    response.status === 401 || response.status === 403
      ? `The store ${url} refuses the token in DENO_KV_ACCESS_TOKEN (${response.status})`
      : `There is no KV Connect server at ${url}: it answers ${response.status}`,
  );
}
