/**
 * A history: what clients requested and what they were told, in order, as an observer beside them
 * records it. One event is one line of JSON, so any run (simulated, torture, or somebody else's)
 * can be saved in a file and checked again. It has only the clients' view, not the contents of the
 * store or the state of gateways.
 *
 * Rules for recorders:
 * - Events are in the order in which they happened; `at` never decreases.
 * - An operation is one `invoke` and at most one completion: `ok`; `fail` only if it certainly did
 *   not happen and never will; `info` if that is not known (lost, timed out, `effect` was
 *   `unknown`).
 * - Values are unique strings: no two published records are equal, except for retries of one
 *   publish, which have the same producer, epoch and sequence.
 * - Incomplete reads are not recorded; a record that is delivered twice is two events.
 * - Readers and memberships have names of their own. One that joins again may keep its name.
 * - Whoever stops a member for good records `left`, since nobody else will; but not at the end of
 *   the run: then the remaining members own everything.
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

/** A publish to one topic, or one part of a transaction. */
export interface Send {
  readonly topic: string;
  readonly values: readonly string[];
  /** The key of each record; absent where there is none. */
  readonly keys?: readonly (string | undefined)[];
  readonly producer?: ProducerStamp;
}

/** Offsets that a member commits for its group. */
export interface Commit {
  readonly group: string;
  readonly member: string;
  readonly offsets: readonly Position[];
}

/** A request, whose answer is another event. `op` is the operation's unique number. */
export type Invocation =
  /** A publish, or a transaction: all parts and the commit happen, or none. */
  | {
    readonly f: "send";
    readonly op: number;
    readonly sends: readonly Send[];
    readonly commit?: Commit;
  }
  | { readonly f: "commit"; readonly op: number; readonly commit: Commit }
  /** An operator sets a group's offsets, which may go down. */
  | {
    readonly f: "reset";
    readonly op: number;
    readonly group: string;
    readonly offsets: readonly Position[];
  }
  | { readonly f: "delete"; readonly op: number; readonly topic: string }
  /** Where the partitions of a topic end now: the next offset of each, as a read of a register. */
  | { readonly f: "tail"; readonly op: number; readonly topic: string };

export type Completion =
  | {
    readonly type: "ok";
    readonly op: number;
    /** Of a send: the place of each record, by part. */
    readonly places?: readonly (readonly Place[])[];
    /** The records were stored by an earlier try. */
    readonly duplicate?: boolean;
    /** Of a commit: what was then committed. */
    readonly committed?: readonly Position[];
    /** Of a `tail`: the next offset of each partition. */
    readonly tails?: readonly Place[];
  }
  | { readonly type: "fail" | "info"; readonly op: number; readonly error: string };

/** Something that a client is told without a request. */
export type Telling =
  /** A reader begins at these positions, or begins again after a loss, a `seek` or a reset. */
  | {
    readonly f: "subscribe";
    readonly reader: string;
    readonly topic: string;
    /** Empty if the reader is not told. */
    readonly incarnation: string;
    readonly positions: readonly Place[];
    /** It asked to resume at its position, and can: nothing was missed. Absent: it did not ask. */
    readonly recovered?: boolean;
    /** It reads only some keys, so offsets may jump. */
    readonly filtered?: boolean;
  }
  /** Records of one partition reach a reader: of a topic, or a member of a group. */
  | {
    readonly f: "poll";
    readonly reader: string;
    readonly topic: string;
    readonly partition: number;
    readonly records: readonly Read[];
    /** The next offset; absent: the one after the last. */
    readonly next?: number;
    /** The last record of each key in what a `slow` gap skipped. */
    readonly kept?: boolean;
  }
  /** A reader of a topic has ended, and is owed nothing more. */
  | { readonly f: "unsubscribe"; readonly reader: string; readonly topic: string }
  /** Offsets [from, to) will not come: `trimmed` by retention, or skipped because it was `slow`. */
  | {
    readonly f: "gap";
    readonly reader: string;
    readonly topic: string;
    readonly partition: number;
    readonly from: number;
    readonly to: number;
    readonly reason: "trimmed" | "slow";
  }
  /** A member is told that it owns these, from these offsets. Its `reader` is its own name. */
  | {
    readonly f: "assign";
    readonly group: string;
    readonly member: string;
    /** The group's epoch; absent where the client does not tell. */
    readonly epoch?: number;
    /** The topics that the member joined for; absent: all that its group reads. */
    readonly topics?: readonly string[];
    readonly partitions: readonly (readonly [
      topic: string,
      partition: number,
      offset: number,
      incarnation?: string,
    ])[];
  }
  /** A member is told to give these up; `lost`: another owns them already. */
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
  /** A member lost its connection or its membership: it knows that it owns nothing now. */
  | { readonly f: "left"; readonly group: string; readonly member: string }
  /** A member's connection is open, or not: a recorder may tell, and no check needs it. */
  | { readonly f: "connection"; readonly member: string; readonly up: boolean }
  /**
   * The token with which this process is about to connect, or that its open connection goes on
   * with: from now on it may do this much. A process that never shows one may do everything. Of a
   * token that is renewed on an open connection, one that allows more is recorded when it is sent,
   * one that allows less when it was accepted. A pattern is a name, or a prefix and `*`; of a topic
   * also `topic/key`, which allows the records with that key.
   */
  | {
    readonly f: "grant";
    readonly read: readonly string[];
    readonly write: readonly string[];
    /** Groups that it may join; absent: all. */
    readonly groups?: readonly string[];
    /** When it expires, by the clock of `at`; absent: never. */
    readonly until?: number;
  }
  /** An incarnation of a topic exists. */
  | {
    readonly f: "topic";
    readonly topic: string;
    readonly incarnation: string;
    readonly partitions: number;
  }
  /** Faults are over. */
  | { readonly f: "healed" }
  /** The log at the end, as read by a new reader. */
  | {
    readonly f: "log";
    readonly topic: string;
    readonly incarnation: string;
    readonly partition: number;
    readonly start: number;
    readonly next: number;
    readonly records: readonly Read[];
  };

/** What the run promises; the first event. */
export interface Terms {
  readonly f: "terms";
  /**
   * How long, at most, a member may still be sent records of a partition that another was assigned:
   * the lease, plus the time that a record or an assignment may be on its way, plus how long a
   * client may sleep or hold records before it is recorded that it has them.
   */
  readonly overlapMs: number;
  /** Groups of which every record must have reached some member at the end. */
  readonly groups: readonly string[];
  /** Groups whose members also make commits that are not recorded, as clients do automatically. */
  readonly unrecorded?: readonly string[];
  /**
   * How long, at most, a client has its rights after its token has expired, plus the time that a
   * record may be on its way. Absent: for ever.
   */
  readonly graceMs?: number;
  /**
   * How far behind a reader may be, at most, once faults are over and it has begun to read: the time
   * to catch up after faults included. Absent: for ever.
   */
  readonly lagMs?: number;
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
