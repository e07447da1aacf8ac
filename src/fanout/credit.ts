/**
 * Flow control: how many records, and bytes if they are limited, a subscription may be sent before
 * its client grants more.
 */

import { CREDIT } from "../limits.ts";

export interface CreditGiven {
  readonly records: number;
  /** Absent: no bound in bytes. */
  readonly bytes?: number;
}

export class Credit {
  #records: number;
  #bytes: number;

  constructor({ records, bytes }: CreditGiven = { records: CREDIT.defaultRecords }) {
    this.#records = Math.min(records, CREDIT.maxRecords);
    this.#bytes = bytes === undefined ? Infinity : Math.min(bytes, CREDIT.maxBytes);
  }

  get records(): number {
    return this.#records;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Nothing may be sent. */
  get isOut(): boolean {
    return this.#records <= 0 || this.#bytes <= 0;
  }

  grant(records: number, bytes: number): void {
    this.#records = Math.min(this.#records + records, CREDIT.maxRecords);
    if (this.#bytes !== Infinity) this.#bytes = Math.min(this.#bytes + bytes, CREDIT.maxBytes);
  }

  take(records: number, bytes: number): void {
    this.#records -= records;
    this.#bytes -= bytes;
  }
}
