/** Bugs in groups: who owns a partition, who may commit, and where the next owner begins. */

import type { Bug } from "./bugs.ts";

export const GROUP_BUGS: readonly Bug[] = [
  {
    name: "commit-behind-its-records",
    story:
      "A transaction stores its records and the commit with the next write. But the gateway can " +
      "end between the two: the records are there, and whoever goes on passes them on again.",
    findings: ["passed-twice", "torn-transaction", "commit-regression"],
    file: "group/committer.ts",
    from: `      mutations: part.mutations,
      bytes,
      evidence: part.evidence,
      stored: (version) => void part.stored(version),`,
    to: `      mutations: [], // the offsets follow when the records are there
      bytes,
      evidence: part.evidence,
      stored: () => this.enqueue(membership, offsets, () => {}),`,
  },
  {
    name: "commit-in-memory-first",
    story:
      "What is being committed is noted in memory at once, so that lower commits behind it write " +
      "nothing. But if the write is refused and decided anew, memory says that it is done: it is " +
      "acknowledged, and stored nowhere.",
    findings: ["commit-regression"],
    file: "group/committer.ts",
    from: `      for (const { owned, partition, ...committed } of writes.values()) {
`,
    to: `      for (const { owned, partition, ...committed } of writes.values()) {
        owned.committed = committed; // later ones must be higher
`,
  },
  {
    name: "zero-by-default",
    story:
      "Offsets are looked up where an owner is another than was known. But a member can lose a " +
      "partition to another and get it back unseen: then none are, and it begins at 0.",
    findings: ["commit-regression", "spurious-zero-offset"],
    file: "group/preparation.ts",
    from: `    owner !== undefined && (owner !== was?.owners[partition] ||
      since[partition] !== was.since[partition] ||
      state`,
    to: `    owner !== undefined && (owner !== was?.owners[partition] ||
      state`,
  },
  {
    name: "transaction-unfenced",
    story:
      "A transaction is conditional on the heads of what it publishes, so its commit needs no " +
      "check of its own. But a member that has lost the partition can publish and commit.",
    findings: ["zombie-commit", "passed-twice"],
    file: "group/committer.ts",
    from: `      checks: part.checks,
`,
    to: `      checks: [], // the records have theirs
`,
  },
  {
    name: "lock-not-left",
    story:
      "A transaction that cannot be begun is refused, and that is all. But what it holds at the " +
      "turnstile is never given back, and whatever comes behind it waits for ever.",
    findings: ["hangs", "unanswered"],
    file: "session/producing.ts",
    from: `        this.#parts.broker.append(board ? { parts, board, done } : { parts, done });
      } catch (error) {
        leave();
        refuse(error);`,
    to: `        this.#parts.broker.append(board ? { parts, board, done } : { parts, done });
      } catch (error) {
        refuse(error);`,
  },
];
