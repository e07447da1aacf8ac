/**
 * A history: what clients asked, what they were told, and in which order, as whoever stands beside
 * them would write it down. One event is one line of JSON, so a run of any kind (simulated, tortured,
 * somebody else's) can be kept in a file and checked again. Only the client's side of things is in it;
 * what the store held and what the gateways believed is not.
 *
 * Rules for whoever records:
 * - Events stand in the order in which they happened; `at` never falls.
 * - An operation is one `invoke` and at most one completion: `ok`; `fail` only if it certainly did not
 *   happen and never will; `info` if that is not known (lost, timed out, `effect` was `unknown`).
 * - Values are unique strings: no two records that anybody publishes are equal, but for tries of one
 *   publish, which are the same producer, epoch and sequence.
 * - A read that is not complete is not written down; a record that is told twice is two events.
 * - Readers and memberships have names of their own. One that joins again may keep its name.
 * - Whoever stops a member for good writes down that it `left`, since nobody else will; but not if that
 *   is because the run is over: then the members that are there own everything.
 */

/** `[partition, offset]` */
export type Place = readonly [partition: number, offset: number];
/** `[topic, partition, offset]` */
export type Position = readonly [topic: string, partition: number, offset: number];
/** `[offset, value]` */
export type Read = readonly [offset: number, value: string];

export interface ProducerStamp {
  readonly id: string;
  readonly epoch: number;
  readonly sequence: number;
}

/** A publish of one topic; or one part of a transaction. */
export interface Send {
  readonly topic: string;
  readonly values: readonly string[];
  /** By record; absent where there is none. */
  readonly keys?: readonly (string | undefined)[];
  readonly producer?: ProducerStamp;
}

/** Offsets that a member commits for its group. */
export interface Commit {
  readonly group: string;
  readonly member: string;
  readonly offsets: readonly Position[];
}

/** Something asked for, with an answer to come. `op` is the operation's own number. */
export type Invocation =
  /** A publish, or a transaction: all its parts and its commit happen, or none. */
  | {
    readonly f: "send";
    readonly op: number;
    readonly sends: readonly Send[];
    readonly commit?: Commit;
  }
  | { readonly f: "commit"; readonly op: number; readonly commit: Commit }
  /** An operator sets a group's offsets: they may go down. */
  | {
    readonly f: "reset";
    readonly op: number;
    readonly group: string;
    readonly offsets: readonly Position[];
  }
  | { readonly f: "delete"; readonly op: number; readonly topic: string };

export type Completion =
  | {
    readonly type: "ok";
    readonly op: number;
    /** Of a send: by part and record. */
    readonly places?: readonly (readonly Place[])[];
    /** These records were stored by an earlier try. */
    readonly duplicate?: boolean;
    /** Of a commit: what was committed then. */
    readonly committed?: readonly Position[];
  }
  | { readonly type: "fail" | "info"; readonly op: number; readonly error: string };

/** Something that is told without having been asked for. */
export type Telling =
  /** A reader begins, or begins anew after it was lost, a `seek` or a reset, at these positions. */
  | {
    readonly f: "subscribe";
    readonly reader: string;
    readonly topic: string;
    /** Empty where the reader is not told. */
    readonly incarnation: string;
    readonly positions: readonly Place[];
    /** It was to go on where it stood, and may: nothing was missed. Absent: it did not ask that. */
    readonly recovered?: boolean;
    /** It wants some keys only, so offsets may jump. */
    readonly filtered?: boolean;
  }
  /** Records of one partition reach a reader: of a topic, or a member of a group. */
  | {
    readonly f: "poll";
    readonly reader: string;
    readonly topic: string;
    readonly partition: number;
    readonly records: readonly Read[];
    /** The offset that follows; absent: the one after the last. */
    readonly next?: number;
    /** Of what a `slow` gap skipped, the last record of each key. */
    readonly kept?: boolean;
  }
  /** A reader of a topic has ended, and is owed nothing more. */
  | { readonly f: "unsubscribe"; readonly reader: string; readonly topic: string }
  /** Offsets [from, to) will not come: `trimmed` by retention, or skipped since the reader was `slow`. */
  | {
    readonly f: "gap";
    readonly reader: string;
    readonly topic: string;
    readonly partition: number;
    readonly from: number;
    readonly to: number;
    readonly reason: "trimmed" | "slow";
  }
  /** A member is told that it owns these, from these offsets on. Its `reader` is its own name. */
  | {
    readonly f: "assign";
    readonly group: string;
    readonly member: string;
    /** Of the group; absent where the client does not tell. */
    readonly epoch?: number;
    /** What the member joined for; absent: all that its group reads. */
    readonly topics?: readonly string[];
    readonly partitions: readonly (readonly [
      topic: string,
      partition: number,
      offset: number,
      incarnation?: string,
    ])[];
  }
  /** A member is told to give these up; `lost`: they are somebody else's already. */
  | {
    readonly f: "revoke";
    readonly group: string;
    readonly member: string;
    readonly epoch?: number;
    readonly lost: boolean;
    readonly partitions: readonly (readonly [topic: string, partition: number])[];
  }
  /** A member gives these up. */
  | {
    readonly f: "release";
    readonly group: string;
    readonly member: string;
    readonly partitions: readonly (readonly [topic: string, partition: number])[];
  }
  /** A member's connection is gone, or its membership over: it knows that it owns nothing now. */
  | { readonly f: "left"; readonly group: string; readonly member: string }
  /** An incarnation of a topic is there. */
  | {
    readonly f: "topic";
    readonly topic: string;
    readonly incarnation: string;
    readonly partitions: number;
  }
  /** Faults strike no more. */
  | { readonly f: "healed" }
  /** The log as a reader that had seen nothing found it in the end. */
  | {
    readonly f: "log";
    readonly topic: string;
    readonly incarnation: string;
    readonly partition: number;
    readonly start: number;
    readonly next: number;
    readonly records: readonly Read[];
  };

/** What the run promises, first in its history. */
export interface Terms {
  readonly f: "terms";
  /**
   * How long a member may still be sent records of a partition that another was given, at most:
   * the lease, and what a record or an assignment may be under way; with that, how long a client may
   * sleep or keep records to itself before it is written down that it has them.
   */
  readonly overlapMs: number;
  /** Groups of which every record must have reached some member when all is over. */
  readonly groups: readonly string[];
  /** Groups whose members also commit without its being written down, as clients do by themselves. */
  readonly unrecorded?: readonly string[];
}

export type Event =
  & { readonly at: number; readonly process: string }
  & (
    | (Invocation & { readonly type: "invoke" })
    | Completion
    | (Telling & { readonly type: "told" })
    | (Terms & { readonly type: "terms" })
  );

/** An event that tells this. */
export type Told<F extends Telling["f"]> =
  & { readonly at: number; readonly process: string; readonly type: "told" }
  & Extract<Telling, { f: F }>;
