import { assert, assertEquals } from "@std/assert";
import { EntryCache } from "../../src/log/entry_cache.ts";
import type { LogEntry } from "../../src/log/log_entry.ts";
import type { Stripe } from "../../src/log/stripe.ts";
import type { Topic } from "../../src/types.ts";
import { fixture } from "./log_fixture.ts";

const MAX_BYTES = 1_048_576;

/** One record of so many bytes. */
function entry(topic: Topic, number: number, bytes: number): LogEntry {
  const payload = new Uint8Array(bytes);
  const place = { topic, partition: 0, entry: number, base: number, next: number + 1 };
  const section = { ...place, time: 0, payload };
  return { number, time: 0, bases: [number], sections: [section], bytes };
}

async function filled(count: number, bytes: number): Promise<[EntryCache, Stripe]> {
  const { log, topic } = await fixture(1);
  const stripe = (await log.open(topic)).stripeOf(0);
  const cache = new EntryCache(MAX_BYTES);
  for (let number = 0; number < count; number++) cache.add(stripe, entry(topic, number, bytes));
  return [cache, stripe];
}

Deno.test("of large entries as many are kept as have the bytes that there are", async () => {
  const [cache, stripe] = await filled(20, 100_000);
  assertEquals(cache.oldest(stripe), 10);
});

Deno.test("small entries count with the objects that hold them, which take most of the memory", async () => {
  const [cache, stripe] = await filled(5_000, 50);
  const kept = 5_000 - (cache.oldest(stripe) ?? 0);
  assert(kept * 700 < MAX_BYTES, `${kept} are kept, of 700 bytes at least`);
  assert(kept * 2_000 > MAX_BYTES, `only ${kept} are kept`);
});
