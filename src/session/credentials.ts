/**
 * Who a session speaks for: known once `hello` was answered, renewed by `auth`, until its token ends.
 * A check takes time where there are keys, and none where there are not.
 */

import { assert } from "../assert.ts";
import { GatewayError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import { type Authenticate, type Identity, isOver } from "../identity/identity.ts";

/** Who asks, for the verbs of a session. */
export interface Who {
  readonly identity: Identity;
}

export class Credentials implements Who {
  readonly #host: Host;
  readonly #authenticate: Authenticate;
  #identity: Identity | undefined;
  /** One token at a time: the one that was shown last counts. */
  #renewing: Promise<unknown> = Promise.resolve();

  constructor(host: Host, authenticate: Authenticate) {
    this.#host = host;
    this.#authenticate = authenticate;
  }

  get identity(): Identity {
    assert(this.#identity, "a session is open once it is known who it speaks for");
    return this.#identity;
  }

  /** Its rights are over, and the time to renew them, too. */
  get haveEnded(): boolean {
    return this.#identity !== undefined && isOver(this.#identity, this.#host.clock.now());
  }

  /** As replies have it. */
  get fields(): { expiresAt?: number } {
    const { expiresAt } = this.identity;
    return expiresAt === undefined ? {} : { expiresAt };
  }

  /** Takes the token of `hello`, and calls one of the two: at once where nothing must be checked. */
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

  /** Takes another token of the same subject. Rejects if it is none: all stays as it was then. */
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
