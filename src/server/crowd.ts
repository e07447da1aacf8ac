/**
 * Limits the number of sockets: in the whole gateway, because of its memory, and for each address,
 * so that none takes more than its share. Refused clients are told when to retry.
 */

import { Bucket } from "../bucket.ts";
import { GatewayError } from "../errors.ts";
import type { Clock } from "../host/host.ts";
import { LazyMap } from "../lazy_map.ts";
import { SOCKETS } from "../limits.ts";

export interface CrowdLimits {
  readonly sockets: number;
  /** Limits for clients that are not on loopback; undefined if no token is required. */
  readonly strangers: StrangerLimits | undefined;
}

export interface StrangerLimits {
  readonly socketsPerAddress: number;
  /** New sockets per second, of all addresses together. */
  readonly newSockets: number;
}

interface Address {
  sockets: number;
  readonly opened: Bucket;
}

export class Crowd {
  readonly #clock: Clock;
  readonly #limits: CrowdLimits;
  readonly #addresses: LazyMap<Address>;
  readonly #opened: Bucket | undefined;
  #sockets = 0;

  constructor(clock: Clock, limits: CrowdLimits) {
    this.#clock = clock;
    this.#limits = limits;
    const { strangers } = limits;
    this.#opened = strangers && new Bucket(strangers.newSockets, clock.monotonic());
    this.#addresses = new LazyMap({
      crowded: SOCKETS.addresses,
      make: () => ({ sockets: 0, opened: new Bucket(SOCKETS.newPerAddress, clock.monotonic()) }),
      isAsNew: ({ sockets, opened }) => sockets === 0 && opened.isFull(clock.monotonic()),
    });
  }

  /**
   * Counts a new socket from an address. Returns what to call once when it is closed. Throws
   * `overloaded` if there are too many sockets, `rate_limited` if too many are from this address.
   */
  enter(address: string): () => void {
    if (this.#sockets >= this.#limits.sockets) {
      throw new GatewayError("overloaded", "There are as many sockets as this gateway takes", {
        retryAfterMs: SOCKETS.retryMs,
      });
    }
    const known = isLoopbackAddress(address) ? undefined : this.#stranger(groupOf(address));
    this.#sockets++;
    if (known) known.sockets++;
    return () => {
      this.#sockets--;
      if (known) known.sockets--;
    };
  }

  get size(): number {
    return this.#sockets;
  }

  #stranger(address: string): Address | undefined {
    const { strangers } = this.#limits;
    if (!strangers || !this.#opened) return undefined;
    const now = this.#clock.monotonic();
    const known = this.#addresses.getOrMake(address);
    if (known.sockets >= strangers.socketsPerAddress) {
      throw new GatewayError("rate_limited", "There are too many sockets from this address", {
        retryAfterMs: SOCKETS.retryMs,
      });
    }
    const ownMs = known.opened.waitMs(now);
    const allMs = this.#opened.waitMs(now);
    if (ownMs > 0) throw tooFast("rate_limited", "this address", ownMs);
    if (allMs > 0) throw tooFast("overloaded", "all addresses", allMs);
    known.opened.take(1);
    this.#opened.take(1);
    return known;
  }
}

function tooFast(code: "rate_limited" | "overloaded", who: string, retryAfterMs: number) {
  return new GatewayError(code, `Sockets are opened too fast by ${who}`, { retryAfterMs });
}

/**
 * The address of a request's client. Each trusted proxy appends the address of its peer to
 * `X-Forwarded-For`, so the client's is the n-th from the end with n proxies; anything before it
 * may be forged.
 */
export function addressOf(
  peer: string | undefined,
  forwardedFor: string | undefined,
  trustedProxies: number,
): string {
  const named = trustedProxies > 0
    ? forwardedFor?.split(",").at(-trustedProxies)?.trim()
    : undefined;
  return withoutPort(named || peer || "");
}

/** Some proxies append the port, which differs for each connection. */
function withoutPort(address: string): string {
  return /^\[(.+)\](?::\d+)?$/.exec(address)?.[1] ??
    /^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(address)?.[1] ?? address;
}

function isLoopbackAddress(address: string): boolean {
  return address === "::1" || /^(::ffff:)?127\./i.test(address);
}

/** An IPv4 address, or the /64 prefix of an IPv6 address, which usually has a single customer. */
function groupOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!address.includes(":")) return address;
  const [left = "", right] = address.split("::");
  const head = left === "" ? [] : left.split(":");
  const tail = right === undefined || right === "" ? [] : right.split(":");
  const zeros = Array(Math.max(0, 8 - head.length - tail.length)).fill("0");
  return [...head, ...zeros, ...tail].slice(0, 4).join(":");
}
