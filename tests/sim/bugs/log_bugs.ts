/**
 * Bugs in how records are stored: acknowledged and lost, stored twice, or stored although refused.
 */

import type { Bug } from "./bugs.ts";

export const LOG_BUGS: readonly Bug[] = [
  {
    name: "naive-retry",
    story: "The store says that a check failed, so nothing was stored: append it again. But " +
      "the reply to a write that was stored can be lost, and the client of the store sends it again.",
    findings: ["duplicate"],
    file: "log/journal.ts",
    from: `    telemetry.count("store_writes_total");
    try {`,
    to: `    telemetry.count("store_writes_total");
    // Nearly always the store says what became of it: only else is there anything to settle.
    const answer = await this.#store.write(write);
    if (answer.outcome === "stored") return { stored: true, version: answer.version };
    if (answer.outcome === "conflict") return { stored: false };
    try {`,
  },
  {
    name: "write-id-in-the-head-only",
    story:
      "The head has the id of the write that set it, so a write whose outcome is not known is " +
      "looked up there. But the next writer sets the head, and then it looks as if nothing was stored.",
    findings: ["duplicate"],
    file: "log/appender.ts",
    from: `    const [key, ...also] = written.map(({ stripe: { topic, index }, number }) =>
      keys.entry(topic.id, index, number, 0)
    );`,
    to: `    const [key, ...also] = written.map(({ stripe: { topic, index } }) =>
      keys.head(topic.id, index)
    );`,
  },
  {
    name: "one-check-for-all",
    story:
      "A write over two topics is atomic, so one check stands for all of it. But it overwrites " +
      "what another gateway has appended to the topic whose head it did not check.",
    findings: ["lost-write", "inconsistent-offsets", "ack-payload-mismatch"],
    file: "log/batch.ts",
    from: `      checks.push({ key: keys.head(topic, stripe.index), version: stripe.headVersion });
`,
    to: `      // All mutations happen or none: it is enough that one of them is conditional.
      if (checks.length === 0) {
        checks.push({ key: keys.head(topic, stripe.index), version: stripe.headVersion });
      }
`,
  },
  {
    name: "back-of-the-line",
    story:
      "What lost a race is queued again, behind what came meanwhile. So a later publish of the " +
      "same connection is stored in front of it.",
    findings: ["nonmonotonic-send"],
    file: "log/appender.ts",
    from: `this.#queue = [...pendings, ...this.#queue];`,
    to: `this.#queue = [...this.#queue, ...pendings]; // they have had their turn`,
  },
  {
    name: "repeat-goes-elsewhere",
    story:
      "A publish without a key that failed is tried again in the next partition, in case its own " +
      "is the trouble. But there nobody knows that the first try was stored after all.",
    findings: ["duplicate"],
    file: "log/pending.ts",
    from:
      `function partitionsOf({ topic, records, producer }: AppendPart, log: TopicLog): number[] {
  let keyless: number | undefined;`,
    to: `function partitionsOf(
  { topic, records, producer: stamp, admission }: AppendPart,
  log: TopicLog,
): number[] {
  // After a failure another partition may do better.
  const producer = stamp && { ...stamp, sequence: stamp.sequence + (admission?.generation ?? 0) };
  let keyless: number | undefined;`,
  },
  {
    name: "head-before-entries",
    story:
      "The head that others have written is taken up first, then the entries up to it are read. " +
      "If that read fails, they never are: the next look finds the head that it knows.",
    findings: ["duplicate", "unseen", "poll-skip"],
    file: "log/stripe.ts",
    from: `    const learned = await this.#scan(store, from, head.entries);`,
    to: `    this.head = head;
    this.headVersion = entry.version;
    const learned = await this.#scan(store, from, head.entries);`,
  },
];
