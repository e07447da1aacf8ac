import { assertEquals } from "@std/assert";
import { MemoryStore } from "../../src/store/memory.ts";
import { type Entry, type Key, type Range, unreadable } from "../../src/store/store.ts";
import { testHost } from "../support/test_host.ts";
import { type Gateway, gateway, join, passing } from "./group_gateway.ts";

/** It cannot be read from some moment on. */
class UnreadableStore extends MemoryStore {
  isDown = false;

  override async read(keys: readonly Key[]): Promise<Entry[]> {
    if (this.isDown) throw unreadable("it is down");
    return await super.read(keys);
  }

  override async scan(range: Range): Promise<Entry[]> {
    if (this.isDown) throw unreadable("it is down");
    return await super.scan(range);
  }
}

/** Time passes, and deadlines are looked at. */
async function ticking({ host, groups }: Gateway, ms: number): Promise<void> {
  const until = host.clock.monotonic() + ms;
  while (host.clock.monotonic() < until) {
    await host.clock.advance(50);
    groups.tick(host.clock.monotonic());
  }
}

Deno.test("who was waited for long enough while the store was away is not waited for once more", async () => {
  const store = new UnreadableStore({ shared: true });
  const at = gateway(store, testHost(), "one");
  const x = await join(at, { instance: "i", sessionTimeoutMs: 3_600_000 });
  const y = await join(at);
  x.membership?.disconnected();
  await passing(at, at.groups.idle());
  await at.host.clock.advance(3_599_000);
  store.isDown = true;
  await ticking(at, 8_000);
  store.isDown = false;
  assertEquals(y.owned.size, 2);
  await ticking(at, 5_000);
  assertEquals(y.owned.size, 4);
});
