/** How soon a gateway knows what another has appended without its hearing of it, in virtual time. */

import { assert } from "@std/assert";
import { PEERS, TICK_MS } from "../../src/limits.ts";
import type { Topic } from "../../src/types.ts";
import { append, places, record } from "../log/log_fixture.ts";
import { Gateways } from "./gateways.ts";

/** To how many topics. */
const COUNTS: Readonly<Record<string, number>> = {
  "topics that its news name": PEERS.newsItems - 10,
  "more topics than its news name": PEERS.newsItems + 10,
};

for (const [what, count] of Object.entries(COUNTS)) {
  Deno.test(`what was appended to ${what} while nobody heard it is known with its next news`, async () => {
    const all = await Gateways.start({ gateways: 2, partitions: 2, leaseMs: 10_000 });
    const [writing, reading] = all.sites;
    assert(writing && reading);
    const names = Array.from({ length: count }, (_, i) => `topic-${i}`);
    const topics = await Promise.all(names.map(async (name) => {
      const { topic } = await writing.gateway.broker.createTopic(name, { partitions: 1 });
      await reading.gateway.broker.bounds(topic, 0);
      return topic;
    }));
    const publish = async (topic: Topic) =>
      places(await append(writing.gateway.log, topic, [record(1)]));
    reading.cut("refused");
    await Promise.all(topics.map(publish));
    reading.cut(undefined);
    const [first] = topics;
    assert(first);
    await publish(first);
    const known = (topic: Topic) => reading.gateway.log.known(topic, 0)?.next ?? 0;
    const ms = await all.until(() => topics.every((topic) => known(topic) > 0));
    assert(ms <= TICK_MS, `${ms} ms`);
  });
}
