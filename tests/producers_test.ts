import { assert, assertEquals } from "@std/assert";
import { PRODUCER } from "../src/limits.ts";
import { Dedupe } from "../src/log/dedupe.ts";
import { Producers } from "../src/producers.ts";
import { MemoryStore } from "../src/store/memory.ts";
import { testHost } from "./support/test_host.ts";

/** A gateway whose clock is right, and one whose clock is ahead. */
async function producers(aheadMs: number) {
  const store = new MemoryStore();
  const [host, ahead] = [testHost(1), testHost(2)];
  await ahead.clock.advance(aheadMs);
  return { host, right: new Producers(store, host), wrong: new Producers(store, ahead) };
}

Deno.test("a name keeps its id, with higher epochs, when a gateway's clock was a little ahead", async () => {
  const { right, wrong } = await producers(PRODUCER.skewMs - 1);
  const first = await wrong.init("ann", "cab");
  assertEquals(await right.init("ann", "cab"), { id: first.id, epoch: first.epoch + 1 });
});

Deno.test("a name whose epochs have come too far ahead to be taken goes on with another id", async () => {
  const { host, right, wrong } = await producers(365 * 24 * 3_600_000);
  const first = await wrong.init("ann", "cab");
  const second = await right.init("ann", "cab");
  assert(second.id !== first.id);
  const judgement = new Dedupe().judge(0, { ...second, sequence: 0 }, host.clock.now());
  assertEquals(judgement.kind, "new");
  assertEquals(await right.init("ann", "cab"), { id: second.id, epoch: second.epoch + 1 });
});
