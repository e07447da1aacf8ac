/**
 * A server between a gateway and its `denokv` that passes on all requests except watches: these
 * begin as they should, and never tell anything.
 */

export interface UnwatchedStore extends AsyncDisposable {
  readonly url: string;
}

export function unwatchedStore(store: string): UnwatchedStore {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const { pathname } = new URL(request.url);
    if (pathname.endsWith("/watch")) return new Response(new ReadableStream());
    const { method, headers } = request;
    return await fetch(new URL(pathname, store), {
      method,
      headers,
      body: await request.arrayBuffer(),
    });
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}
