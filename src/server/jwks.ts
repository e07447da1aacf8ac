/**
 * The public keys of whoever makes the tokens, from one address that is in the settings and never
 * in a token. They are asked for again for a key that is not among them, or after a while, at a
 * bounded rate; and those that are there go on being used while the address does not answer.
 */

import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from "jose";
import { GatewayError } from "../errors.ts";
import { type Host, sleep } from "../host/host.ts";
import { JWKS } from "../limits.ts";

export interface JwksOptions {
  readonly url: string;
  readonly host: Host;
  /** Asks for the keys. */
  readonly fetch?: typeof fetch;
}

export class Jwks {
  readonly #url: string;
  readonly #host: Host;
  readonly #fetch: typeof fetch;
  #keys: JWTVerifyGetKey | undefined;
  /** On the monotonic clock. */
  #askedAt = -Infinity;
  #asking: Promise<void> | undefined;

  constructor({ url, host, fetch = globalThis.fetch }: JwksOptions) {
    this.#url = url;
    this.#host = host;
    this.#fetch = fetch;
  }

  /** Asks until there are keys, without being waited for. */
  async start(): Promise<void> {
    while (!this.#keys) {
      await this.#ask();
      if (!this.#keys) await sleep(this.#host.clock, JWKS.retryMs);
    }
  }

  /** Whether there ever were keys. */
  get ready(): boolean {
    return this.#keys !== undefined;
  }

  /**
   * The key that a token's header names. Throws `unavailable` while there are no keys at all, and
   * for an unknown key until the issuer could be asked whether it is new.
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

  /** One question at a time, which all wait for. */
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
    // This must be a fault of the issuer: without keys it could not sign tokens.
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
