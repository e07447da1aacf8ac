/**
 * Reads the body of a request up to a limit, whatever its `Content-Length` says.
 */

import { GatewayError } from "../errors.ts";
import { joinBytes } from "../join_bytes.ts";
import { HTTP } from "../limits.ts";

export async function readBody(request: Request): Promise<Uint8Array> {
  const announced = Number(request.headers.get("content-length") ?? 0);
  if (announced > HTTP.bodyBytes) throw tooLarge();
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of piecesOf(request)) {
    length += chunk.length;
    if (length > HTTP.bodyBytes) throw tooLarge();
    chunks.push(chunk);
  }
  return joinBytes(chunks);
}

/** A peer that disconnects in the middle of its request is not a failure of the gateway. */
async function* piecesOf({ body }: Request): AsyncGenerator<Uint8Array> {
  try {
    yield* body ?? [];
  } catch {
    throw new GatewayError("invalid_frame", "The body ended before it was whole");
  }
}

function tooLarge(): GatewayError {
  return new GatewayError("batch_too_large", `A body may have ${HTTP.bodyBytes} bytes`);
}
