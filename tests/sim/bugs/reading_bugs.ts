/** Bugs in how records reach those who read: too early, never, with a hole, or to whom they do not belong. */

import type { Bug } from "./bugs.ts";

export const READING_BUGS: readonly Bug[] = [
  {
    name: "push-what-may-be-stored",
    story:
      "Publishers are told in time that a publish may be stored, so readers get it then, too: most such " +
      "writes turn out to be stored. But one that is not leaves them with records that never were.",
    findings: ["inconsistent-offsets", "G1a", "phantom", "unseen", "poll-skip", "threw"],
    file: "log/appender.ts",
    from: `      overdue: () => {
`,
    to: `      overdue: () => {
        this.#listener.appended(written.flatMap(({ stripe, decoded }) =>
          decoded.sections.map(({ partition, count, payload }) => {
            const base = decoded.bases[partition] ?? 0;
            const place = {
              topic: stripe.topic,
              partition: stripe.first + partition,
              entry: stripe.head.entries,
            };
            return { ...place, base, next: base + count, time: decoded.time, payload };
          })
        ));
`,
  },
  {
    name: "watch-only",
    story:
      "The watch tells what other gateways have appended, so the look every second is only for " +
      "who of them lives. But a watch may hang and never say so.",
    findings: ["unseen"],
    file: "peers/peers.ts",
    from: `    if (now - this.#lookedAt > this.#leaseMs / 2 || now >= this.#checkAt) {
      this.#checkAt = now + PEERS.checkMs;
      this.#listener.missed();
    }
    this.#lookedAt = now;
    const seen = new Set<string>();
    for (const entry of found) {
      const gateway = nameOf(entry);
      if (gateway === this.#self) continue;
      seen.add(gateway);
      this.#hear(entry);
    }`,
    to: `    this.#lookedAt = now;
    const seen = new Set<string>();
    for (const entry of found) {
      const gateway = nameOf(entry);
      if (gateway === this.#self) continue;
      seen.add(gateway);
      const peer = this.#known.get(gateway);
      if (!peer) this.#hear(entry);
      else if (entry.version !== null && entry.version > peer.looked) {
        // What is new in it, the watch tells.
        peer.looked = entry.version;
        peer.changedAt = now;
        peer.looks = 0;
      }
    }`,
    also: [
      {
        file: "peers/peers.ts",
        from: "interface Peer {",
        to: "interface Peer {\n  looked: string;",
      },
      {
        file: "peers/peers.ts",
        from: "this.#known.set(gateway, { version, ",
        to: "this.#known.set(gateway, { version, looked: version, ",
      },
      {
        file: "peers/peers.ts",
        from: "#expel(gateway: string, { version }: Peer)",
        to: "#expel(gateway: string, { looked: version }: Peer)",
      },
    ],
  },
  {
    name: "resume-from-memory",
    story:
      "The topic is in memory, so a follower that comes back is told from there where it may go " +
      "on. But at another gateway it was further: it is sent back, as if records had been lost.",
    findings: ["reset", "nonmonotonic-poll"],
    file: "broker.ts",
    from: `    await this.#log.catchUp(topic);
    if (typeof from === "object" && "timestamp" in from) {`,
    to: `    await this.#log.open(topic);
    if (typeof from === "object" && "timestamp" in from) {`,
  },
  {
    name: "read-under-way",
    story:
      "A partition that is taken from a member is not read for it any more. But a read that is " +
      "under way then brings records to one that gave the partition up, and they go on coming.",
    findings: ["delivery-after-revoke"],
    file: "fanout/feed.ts",
    from: `    this.#cursors.delete(name);
    this.#stop(cursor);
    this.#behind.delete(cursor);
    cursor.moves++;
  }`,
    to: `    this.#cursors.delete(name);
    this.#stop(cursor);
    this.#behind.delete(cursor);
  }`,
  },
];
