/** The way of a record through the gateway, with the entry functions of each step. */

import type { Step } from "./call_profile.ts";

export const STEPS: readonly Step[] = [
  {
    name: "socket: bytes read, taken apart into messages",
    begins: ["onStreamRead stream_base_commons.ts"],
  },
  { name: "protocol: message read and checked", begins: ["decodeMessage codec.ts"] },
  { name: "session: order, rights, open requests", begins: ["#take session.ts"] },
  { name: "log: partition, size, queue", begins: ["append log.ts"] },
  { name: "log: judged, offsets given, entry put together", begins: ["#gather journal.ts"] },
  { name: "store: the write", begins: ["write deno_kv.ts"] },
  { name: "log: the stored entry learned", begins: ["apply stripe.ts"] },
  { name: "session: answered", begins: ["#succeed appender.ts"] },
  { name: "fan-out: found, encoded, spliced", begins: ["appended hub.ts", "#pump feed.ts"] },
  { name: "group: commits", begins: ["commit membership.ts", "take committer.ts"] },
  { name: "session: messages sent", begins: ["flush outbox.ts"] },
  { name: "memory collected", begins: ["(garbage collector)"] },
];
