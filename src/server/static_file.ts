/** Serves a file that is part of the program, with an ETag for revalidation. */

import type { PublicHandler } from "./app.ts";

/** Responds with this text, or with 304 if the client has it. */
export function staticFile(
  text: string,
  contentType: string,
  headers: Readonly<Record<string, string>> = {},
): PublicHandler {
  const bytes = new TextEncoder().encode(text);
  let tag: Promise<string> | undefined;
  return async (request) => {
    const etag = await (tag ??= tagOf(bytes));
    const same = { ...headers, etag, "cache-control": "no-cache" };
    const known = request.headers.get("if-none-match")?.split(",").map((one) => one.trim());
    if (known?.some((one) => one === etag || one === `W/${etag}` || one === "*")) {
      return new Response(null, { status: 304, headers: same });
    }
    return new Response(bytes, {
      headers: { ...same, "content-type": contentType },
    });
  };
}

async function tagOf(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const text = [...hash.subarray(0, 16)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return `"${text}"`;
}
