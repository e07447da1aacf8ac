/** Sends every message back, without copying it. */

/// <reference lib="deno.worker" />

self.onmessage = ({ data }: MessageEvent<Uint8Array<ArrayBuffer>>) => {
  self.postMessage(data, [data.buffer]);
};
