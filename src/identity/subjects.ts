/**
 * What each subject uses at this gateway, over all its sockets and requests: how many sockets it
 * has, and how much it publishes. Nothing is counted if no authentication is configured.
 */

import { Bucket } from "../bucket.ts";
import { GatewayError } from "../errors.ts";
import type { Clock } from "../host/host.ts";
import { LazyMap } from "../lazy_map.ts";
import { IDENTITY, PRODUCER } from "../limits.ts";
import { recordBytes } from "../record_size.ts";
import type { RecordIn } from "../types.ts";
import type { Identity } from "./identity.ts";

/** The limits of a subject, unless its token sets others. */
export interface SubjectLimits {
  readonly sockets: number;
  /** Published per second. */
  readonly records: number;
  readonly bytes: number;
}

interface Subject {
  sockets: number;
  readonly records: Bucket;
  readonly bytes: Bucket;
  readonly producers: Bucket;
}

export class Subjects {
  readonly #clock: Clock;
  readonly #limits: SubjectLimits;
  readonly #known: LazyMap<Subject>;

  constructor(clock: Clock, limits: SubjectLimits) {
    this.#clock = clock;
    this.#limits = limits;
    const full = (perSecond: number) => new Bucket(perSecond, clock.monotonic());
    this.#known = new LazyMap({
      crowded: IDENTITY.subjects,
      make: () => ({
        sockets: 0,
        records: full(limits.records),
        bytes: full(limits.bytes),
        producers: full(PRODUCER.namedPerSecond),
      }),
      isAsNew({ sockets, records, bytes, producers }) {
        const now = clock.monotonic();
        return sockets === 0 && [records, bytes, producers].every((bucket) => bucket.isFull(now));
      },
    });
  }

  /** Counts a new socket or event stream. Throws `rate_limited` if the subject has too many. */
  enter({ subject, limits }: Identity): void {
    if (subject === "") return;
    const known = this.#known.getOrMake(subject);
    const most = limits.sockets ?? this.#limits.sockets;
    if (known.sockets >= most) {
      const message = `This subject has ${most} sockets at this gateway already`;
      throw new GatewayError("rate_limited", message, { retryAfterMs: IDENTITY.retrySocketMs });
    }
    known.sockets++;
  }

  /** Undoes `enter`. */
  leave({ subject }: Identity): void {
    const known = this.#known.get(subject);
    if (known) known.sockets--;
  }

  /**
   * Counts published records. Throws `rate_limited` if the subject has published too much for now.
   */
  publish({ subject, limits }: Identity, records: readonly RecordIn[]): void {
    if (subject === "") return;
    const known = this.#known.getOrMake(subject);
    const now = this.#clock.monotonic();
    known.records.perSecond = limits.rate ?? this.#limits.records;
    const retryAfterMs = Math.max(known.records.waitMs(now), known.bytes.waitMs(now));
    requireNow(retryAfterMs, "publishes too much");
    known.records.take(records.length);
    known.bytes.take(records.reduce((bytes, record) => bytes + recordBytes(record), 0));
  }

  /**
   * Counts a named producer. Throws `rate_limited` if the subject has asked for too many for now.
   */
  nameProducer({ subject }: Identity): void {
    if (subject === "") return;
    const { producers } = this.#known.getOrMake(subject);
    const retryAfterMs = producers.waitMs(this.#clock.monotonic());
    requireNow(retryAfterMs, "asks for too many producers with names");
    producers.take(1);
  }
}

/** Throws `rate_limited` if the subject must wait. */
function requireNow(retryAfterMs: number, why: string): void {
  if (retryAfterMs <= 0) return;
  throw new GatewayError("rate_limited", `This subject ${why}`, { retryAfterMs });
}
