/**
 * The public keys of the token issuer, from a URL in the settings, never from a token. They are
 * fetched again for an unknown key or after a while, at a limited rate; the known keys stay in use
 * while the URL does not answer.
 */

import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from "jose";
import { GatewayError } from "../errors.ts";
import { type Host, sleep } from "../host/host.ts";
import { JWKS } from "../limits.ts";

export interface JwksOptions {
  readonly url: string;
  readonly host: Host;
  /** Fetches the keys. */
  readonly fetch?: typeof fetch;
}

export class Jwks {
  readonly #url: string;
  readonly #host: Host;
  readonly #fetch: typeof fetch;
  #keys: JWTVerifyGetKey | undefined;
  /** When the keys were last requested, on the monotonic clock. */
  #askedAt = -Infinity;
  #asking: Promise<void> | undefined;

  constructor({ url, host, fetch = globalThis.fetch }: JwksOptions) {
    this.#url = url;
    this.#host = host;
    this.#fetch = fetch;
  }

  /** Fetches the keys, and retries until it has some. Nobody waits for it. */
  async start(): Promise<void> {
    while (!this.#keys) {
      await this.#ask();
      if (!this.#keys) await sleep(this.#host.clock, JWKS.retryMs);
    }
  }

  /** Whether keys were fetched. */
  get ready(): boolean {
    return this.#keys !== undefined;
  }

  /**
   * The key that a token's header names. Throws `unavailable` while there are no keys at all, and
   * for an unknown key until the keys could be fetched again.
   */
  readonly find: JWTVerifyGetKey = async (header, token) => {
    if (!this.#keys) throw notFetched(JWKS.retryMs);
    const ageMs = this.#host.clock.monotonic() - this.#askedAt;
    try {
      if (ageMs >= JWKS.freshMs) this.#ask();
      return await this.#keys(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      if (ageMs < JWKS.againMs && !this.#asking) throw notFetched(Math.ceil(JWKS.againMs - ageMs));
      const known = this.#keys;
      await this.#ask();
      if (this.#keys === known) throw notFetched(JWKS.againMs);
      return await this.#keys(header, token);
    }
  };

  /** Fetches once at a time: concurrent callers share it. */
  #ask(): Promise<void> {
    return this.#asking ??= this.#load().finally(() => this.#asking = undefined);
  }

  async #load(): Promise<void> {
    this.#askedAt = this.#host.clock.monotonic();
    try {
      this.#keys = createLocalJWKSet(await this.#read());
    } catch (error) {
      this.#host.telemetry.count("jwks_failures_total");
      this.#host.telemetry.report("warn", "The keys for tokens could not be fetched", { error });
    }
  }

  async #read(): Promise<JSONWebKeySet> {
    const response = await this.#fetch(this.#url, {
      headers: { accept: "application/json" },
      redirect: "error",
      signal: AbortSignal.timeout(JWKS.callMs),
    });
    if (!response.ok) {
      await response.body?.cancel();
      throw new Error(`It answers ${response.status}`);
    }
    const set: JSONWebKeySet = JSON.parse(await textWithin(response, JWKS.bytes));
    // This must be an error of the issuer: without keys it could not sign tokens.
    if (set.keys?.length === 0) throw new Error("It answers with no keys");
    return set;
  }
}

function notFetched(retryAfterMs: number): GatewayError {
  return new GatewayError("unavailable", "The keys for tokens could not be fetched yet", {
    retryAfterMs,
  });
}

async function textWithin(response: Response, bytesMax: number): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > bytesMax) throw new Error(`It answers with more than ${bytesMax} bytes`);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
