import { assert, assertEquals } from "@std/assert";
import { Gateway } from "../../src/gateway.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import { countLooks } from "../log/count_looks.ts";
import { SETTINGS } from "../sim/gateway_site.ts";
import { testHost } from "../support/test_host.ts";

const utf8 = new TextDecoder();

Deno.test("a seek takes one look at what others have appended, however many partitions it names", async () => {
  const host = testHost();
  const store = new MemoryStore({ shared: true });
  const gateway = new Gateway({ store, host, settings: SETTINGS, server: "weir test" });
  await gateway.log.topics.create("t", { partitions: 64 });
  let sent = "";
  const session = gateway.connect({
    send: (message) => sent += typeof message === "string" ? message : utf8.decode(message),
    close() {},
    terminate() {},
    reconsider() {},
    canPause: false,
    buffered: 0,
  });
  const ask = async (id: number, type: string, fields: Readonly<Record<string, unknown>> = {}) => {
    session.receive(new TextEncoder().encode(JSON.stringify({ type, id, ...fields })));
    await host.clock.advance(10);
    assert(sent.includes(`{"type":"ok","id":${id}`), sent);
  };
  await ask(1, "hello");
  await ask(2, "subscribe", { topic: "t" });
  const looks = countLooks(gateway.log);
  const all = Array.from({ length: 64 }, (_, partition) => partition);
  const partitions = all.map((partition) => ({ topic: "t", partition, offset: 0 }));
  await ask(3, "seek", { subscription: 1, partitions });
  assertEquals(looks.count, 1);
});
