/** A finding of the checker: its kind, one sentence, and when the history showed it. */

/** Kinds with Jepsen's names mean the same as in Jepsen; the others are ours. */
export const KINDS = [
  // What is in the log.
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
  // How it was published.
  "int-send-skip",
  "int-nonmonotonic-send",
  "nonmonotonic-send",
  "realtime-order",
  "linearizable-register",
  "dup-ack-mismatch",
  "torn-transaction",
  "precommitted-read",
  "consume-counts",
  "G0",
  "G0-process",
  "G0-realtime",
  "G1c",
  "G1c-process",
  "G1c-realtime",
  // How it was read.
  "int-poll-skip",
  "int-nonmonotonic-poll",
  "poll-skip",
  "nonmonotonic-poll",
  "unseen",
  "realtime-lag",
  "delivery-after-revoke",
  // Groups.
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
