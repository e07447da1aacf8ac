/**
 * The platform's own HTTP server (`Deno.serve`) with its WebSockets: an alternative to
 * `ws_listener.ts`, for Deno Deploy. See `native_socket.ts` for its limitations.
 */

import { drainingError, type GatewayError } from "../errors.ts";
import { HTTP } from "../limits.ts";
import { addressOf } from "./crowd.ts";
import { type NativeSocketOptions, NativeSockets } from "./native_socket.ts";
import { asGatewayError, problem } from "./problem.ts";
import { Refusals } from "./refusals.ts";
import {
  checkUpgrade,
  type Listener,
  type ListenOptions,
  noSocket,
  SUBPROTOCOL,
  urlOf,
} from "./upgrade.ts";

export interface NativeListenOptions extends ListenOptions, NativeSocketOptions {}

/** Resolves when it listens; rejects if it cannot. */
export async function listenNative(options: NativeListenOptions): Promise<Listener> {
  const { host, port, rules, fetch, crowd, trustedProxies } = options;
  const sockets = new NativeSockets(options);
  const refusals = new Refusals();

  function answer(
    request: Request,
    { remoteAddr }: Deno.ServeHandlerInfo<Deno.NetAddr>,
  ): Response | Promise<Response> {
    const header = (name: string) => request.headers.get(name) ?? undefined;
    const address = addressOf(remoteAddr.hostname, header("x-forwarded-for"), trustedProxies);
    if (header("upgrade")?.toLowerCase() !== "websocket") return fetch(request, address);
    if (closing) return problem(drainingError());
    try {
      // Counted first, so that upgrades that are refused below count as well.
      const leave = crowd.enter(address);
      try {
        const { pathname, search } = new URL(request.url);
        checkUpgrade(rules, pathname + search, header);
        // The session checks liveness itself, so the platform's pings are off.
        const upgrade = { protocol: SUBPROTOCOL, idleTimeout: 0 };
        const { socket, response } = Deno.upgradeWebSocket(request, upgrade);
        sockets.serve(socket, leave);
        return response;
      } catch (error) {
        leave();
        throw error instanceof TypeError ? noSocket(error.message) : error;
      }
    } catch (error) {
      return refuse(asGatewayError(error));
    }
  }

  async function refuse(error: GatewayError): Promise<Response> {
    if (error.detail.retryAfterMs !== undefined) await refusals.hold();
    return problem(error);
  }

  let closing = false;
  const { promise, resolve } = Promise.withResolvers<Listener>();
  const server = Deno.serve({
    hostname: host,
    port,
    onListen: (address) => resolve({ url: urlOf(host, address.port), close }),
  }, answer);

  /**
   * Waits for the sockets before the server shuts down: the platform would close open ones with
   * 1001, instead of the code of their session.
   */
  async function close(): Promise<void> {
    closing = true;
    refusals.release();
    const { promise: late, resolve: goOn } = Promise.withResolvers<void>();
    const timer = setTimeout(() => {
      sockets.terminate();
      goOn();
    }, HTTP.farewellMs);
    await Promise.race([sockets.allClosed(), late]);
    // It waits for every response and cannot be stopped: what is left ends with the process.
    await Promise.race([server.shutdown(), late]);
    clearTimeout(timer);
  }
  return await promise;
}
