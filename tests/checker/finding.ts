/** A finding of the checker: its kind, one sentence, and when the history showed it. */

/**
 * Kinds with Jepsen's names mean the same as in Jepsen; the others are ours. Of what Jepsen allows
 * Kafka (`int-send-skip`, `G0`, `G1c` of writes, and `poll-skip` and `nonmonotonic-poll` of those
 * that subscribe) nothing is allowed: all of them are findings.
 */
export const KINDS = [
  // What is in the log. Jepsen's bound of `lost-write`, the highest that was read, is the log's end:
  // the log is read whole. `duplicate` is of a producer's records, and of others' that are there
  // more often than they were tried.
  "inconsistent-offsets",
  "duplicate",
  "lost-write",
  "G1a",
  "phantom",
  "ack-payload-mismatch",
  "spurious-zero-offset",
  "offset-hole",
  "dead-read",
  "incarnation-reuse",
  // How it was published. `nonmonotonic-send` is of a producer, whose epochs are fencing tokens;
  // what a process without one sends after an acknowledgement falls under `realtime-order`, which is
  // the linearizable register of a log's end as appends alone show it.
  "int-send-skip",
  "int-nonmonotonic-send",
  "nonmonotonic-send",
  "realtime-order",
  "linearizable-register",
  "dup-ack-mismatch",
  // Transactions. They have no polls: what they read is what their commit covers. That a record is
  // delivered twice is only counted (`figures.ts`); that a group's transactions consume it twice is
  // `consume-counts`.
  "torn-transaction",
  "precommitted-read",
  "consume-counts",
  "G0",
  "G0-process",
  "G0-realtime",
  "G1c",
  "G1c-process",
  "G1c-realtime",
  // How it was read. `delivery-after-revoke` is of a member that knows; of one that does not, longer
  // than the lease allows, it is `double-owner`.
  "int-poll-skip",
  "int-nonmonotonic-poll",
  "poll-skip",
  "nonmonotonic-poll",
  "unseen",
  "realtime-lag",
  "delivery-after-revoke",
  // Groups. That a group's own log follows its state machine cannot be checked: a history has the
  // clients' view. The machine is pure, and has tests of its own (`tests/group/`).
  "commit-regression",
  "commit-beyond-head",
  "skipped",
  "zombie-commit",
  "double-owner",
  "unearned-handover",
  "unowned",
  "uneven",
  // Rights.
  "acl-leak",
  "delivery-after-token-expiry",
  // Answers.
  "unanswered",
] as const;

export type Kind = typeof KINDS[number];

export interface Finding {
  readonly kind: Kind;
  readonly text: string;
  /** `at` of the event that shows it. */
  readonly at: number;
}

export type Report = (kind: Kind, at: number, text: string) => void;
