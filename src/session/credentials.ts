/**
 * Whom a session acts for: known once `hello` is answered, renewed by `auth`, until the token
 * expires. Checking a token is asynchronous only where keys are configured.
 */

import { assert } from "../assert.ts";
import { GatewayError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import { type Authenticate, type Identity, isOver } from "../identity/identity.ts";

/** The identity behind a session's requests. */
export interface Who {
  readonly identity: Identity;
}

export class Credentials implements Who {
  readonly #host: Host;
  readonly #authenticate: Authenticate;
  #identity: Identity | undefined;
  /** One token is checked at a time: the last one that was sent counts. */
  #renewing: Promise<unknown> = Promise.resolve();

  constructor(host: Host, authenticate: Authenticate) {
    this.#host = host;
    this.#authenticate = authenticate;
  }

  get identity(): Identity {
    assert(this.#identity, "a session is open once it is known who it speaks for");
    return this.#identity;
  }

  /** The token has expired, and so has the time to renew it. */
  get haveEnded(): boolean {
    return this.#identity !== undefined && isOver(this.#identity, this.#host.clock.now());
  }

  /** The fields that replies have. */
  get fields(): { expiresAt?: number } {
    const { expiresAt } = this.identity;
    return expiresAt === undefined ? {} : { expiresAt };
  }

  /** Checks the token of `hello`, and calls one of the two: at once if there are no keys. */
  present(token: string | undefined, taken: () => void, refused: (error: unknown) => void): void {
    const take = (identity: Identity) => {
      this.#identity = identity;
      taken();
    };
    try {
      const identity = this.#authenticate(token);
      if (identity instanceof Promise) identity.then(take, refused);
      else take(identity);
    } catch (error) {
      refused(error);
    }
  }

  /** Takes another token of the same subject. Rejects if it is invalid, and changes nothing. */
  renew(token: string): Promise<void> {
    const renewing = this.#renewing.then(async () => {
      const identity = await this.#authenticate(token);
      if (identity.subject !== this.identity.subject) {
        throw new GatewayError("forbidden", "The token is that of another subject");
      }
      this.#identity = identity;
    });
    this.#renewing = renewing.catch(() => {});
    return renewing;
  }
}
