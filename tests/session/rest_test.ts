import { assert, assertEquals } from "@std/assert";
import { Gateway } from "../../src/gateway.ts";
import { ADVERTISED, LOG, MUTING, SESSION, TICK_MS } from "../../src/limits.ts";
import { Muting } from "../../src/session/muting.ts";
import { Rest } from "../../src/session/rest.ts";
import { SETTINGS } from "../sim/gateway_site.ts";
import { FatedStore } from "../store/fated_store.ts";
import { settled, TestClock, testHost } from "../support/test_host.ts";

const utf8 = new TextEncoder();

type Fixture = Awaited<ReturnType<typeof fixture>>;

/** A gateway, and a session that has said hello. */
async function fixture({ canPause = true, store = new FatedStore() } = {}) {
  const host = testHost();
  const gateway = new Gateway({ store, host, settings: SETTINGS, server: "weir test" });
  const publish = { type: "publish", topic: "t", records: [{ value: 1 }] };
  return { host, gateway, publish, ...await connected(gateway, canPause) };
}

async function connected(gateway: Gateway, canPause = true) {
  let reconsidered = 0;
  const session = gateway.connect({
    send() {},
    close() {},
    terminate() {},
    reconsider: () => reconsidered++,
    canPause,
    buffered: 0,
  });
  const send = (frame: unknown) => session.receive(utf8.encode(JSON.stringify(frame)));
  send({ type: "hello", id: 1 });
  await settled();
  return { session, send, reconsidered: () => reconsidered };
}

Deno.test("who asks for more at once than may be open is not read for a moment", async () => {
  const { host, session, send, publish, reconsidered } = await fixture();
  for (let id = 2; id < ADVERTISED.inFlight + 2; id++) send({ ...publish, id });
  assertEquals(session.congested, false);
  send({ ...publish, id: ADVERTISED.inFlight + 2 });
  assertEquals([session.congested, reconsidered()], [true, 0]);
  await host.clock.advance(SESSION.restMs);
  assertEquals([session.congested, reconsidered()], [false, 1]);
});

Deno.test("each refusal makes the rest longer, up to a bound", async () => {
  const { host, session, send, publish, reconsidered } = await fixture();
  for (let id = 2; id < ADVERTISED.inFlight + 2; id++) send({ ...publish, id });
  for (let i = 0; i < 3; i++) send({ ...publish, id: ADVERTISED.inFlight + 2 + i });
  await host.clock.advance(3 * SESSION.restMs - 1);
  assertEquals([session.congested, reconsidered()], [true, 0]);
  await host.clock.advance(1);
  assertEquals([session.congested, reconsidered()], [false, 1]);
  for (let i = 0; i < 3; i++) send({ type: "nonsense", id: 1, padding: "x".repeat(1_000_000) });
  await host.clock.advance(SESSION.restMaxMs);
  assertEquals([session.congested, reconsidered()], [false, 2]);
});

Deno.test("what is refused is read at a bounded rate", async () => {
  const { host, session, send, reconsidered } = await fixture();
  send({ type: "nonsense", id: 2 });
  assertEquals(session.congested, false);
  send({ type: "nonsense", id: 3, padding: "x".repeat(100 * SESSION.refusedBytesPerMs) });
  assertEquals(session.congested, true);
  await host.clock.advance(100);
  assertEquals([session.congested, reconsidered()], [false, 1]);
});

Deno.test("who subscribes to very many partitions is not read for a moment, who does to a few is", async () => {
  const { host, gateway, session, send, reconsidered } = await fixture();
  await gateway.broker.createTopic("few", { partitions: SESSION.subscribedPerMs - 1 });
  await gateway.broker.createTopic("many", { partitions: 10 * SESSION.subscribedPerMs });
  send({ type: "subscribe", id: 2, topic: "few" });
  await settled();
  assertEquals([session.isQuiet, session.congested], [true, false]);
  send({ type: "subscribe", id: 3, topic: "many" });
  await settled();
  assertEquals(session.congested, true);
  await host.clock.advance(10);
  assertEquals([session.isQuiet, session.congested, reconsidered()], [true, false, 1]);
});

Deno.test("who has as much open as may be may still release, leave and unsubscribe", async () => {
  const { session, send, publish } = await fixture();
  for (let id = 2; id < ADVERTISED.inFlight + 2; id++) send({ ...publish, id });
  for (const [i, type] of ["release", "leave", "unsubscribe"].entries()) {
    send({ type, id: ADVERTISED.inFlight + 2 + i, subscription: 1, partitions: [] });
  }
  assertEquals(session.congested, false);
});

Deno.test("releases that wait for something count as open, beside as many others as may be", async () => {
  const { session, send, publish } = await fixture();
  send({ ...publish, id: 2 });
  const partitions = [{ topic: "t", partition: 0, offset: 0 }];
  send({ type: "seek", id: 3, subscription: 1, partitions }); // which waits for the publish
  const release = { type: "release", subscription: 1, partitions: [] };
  for (let open = 2; open < 2 * ADVERTISED.inFlight; open++) send(release);
  assertEquals(session.congested, false);
  send(release);
  assertEquals([session.congested, session.isQuiet], [true, false]);
});

/** Publishes once: what comes later needs to wait for the topic no more. */
async function publishFirst({ send, publish }: Pick<Fixture, "send" | "publish">): Promise<void> {
  send({ ...publish, id: 2 });
  await settled();
}

/** Publishes more than may wait. */
function publishTooMuch({ send, publish }: Pick<Fixture, "send" | "publish">): void {
  let id = 3;
  for (let sent = 0; sent <= LOG.behindBytes + 1_000_000; sent += 500_000) {
    send({ ...publish, id: id++, records: Array(2).fill({ value: "x".repeat(250_000) }) });
  }
}

/** What rests by itself, and how often that has ended. */
function resting() {
  let ended = 0;
  const clock = new TestClock();
  const muting = new Muting(() => false);
  const rest = new Rest(clock, muting, () => ended++);
  return { clock, muting, rest, ended: () => ended };
}

Deno.test("who publishes while much waits for the store is not read until that is stored", async () => {
  const { gateway, session, reconsidered, ...at } = await fixture();
  await publishFirst(at);
  publishTooMuch(at);
  assertEquals([session.congested, gateway.gauges["sessions_muted"]], [true, 1]);
  gateway.tick();
  assertEquals([session.congested, reconsidered()], [true, 0]);
  await settled();
  gateway.tick();
  assertEquals([session.congested, session.isQuiet, reconsidered()], [false, true, 1]);
});

Deno.test("in its turn a session may publish so much for so long, and is muted again", async () => {
  const { clock, muting, rest, ended } = resting();
  const turn = () => {
    assertEquals(rest.resting, true);
    muting.tick(clock.monotonic());
    assertEquals(rest.resting, false);
  };
  rest.published(10);
  turn();
  rest.published(10);
  assertEquals(rest.resting, false);
  rest.published(MUTING.turnBytes);
  turn();
  await clock.advance(MUTING.turnMs);
  rest.published(10);
  rest.published(10);
  turn();
  assertEquals(ended(), 3);
});

Deno.test("who is muted and told to rest as well is read when both are over", async () => {
  const { clock, muting, rest, ended } = resting();
  rest.published(10);
  rest.add(100);
  muting.tick(0);
  assertEquals([rest.resting, ended()], [true, 0]);
  await clock.advance(100);
  assertEquals([rest.resting, ended()], [false, 1]);
  rest.published(MUTING.turnBytes);
  rest.add(100);
  await clock.advance(100);
  assertEquals([rest.resting, ended()], [true, 1]);
  rest.stop();
  muting.tick(0);
  assertEquals([muting.count, ended()], [0, 1]);
});

Deno.test("one that is muted for long is read for a message, and is not idle", async () => {
  const store = new FatedStore();
  const { gateway, host, session, send, publish } = await fixture({ store });
  await publishFirst({ send, publish });
  store.writeFates = [() => new Promise(() => {})]; // the others wait behind it
  publishTooMuch({ send, publish });
  assertEquals(session.congested, true);
  for (let ms = 0; ms < MUTING.waitMs; ms += TICK_MS) {
    await host.clock.advance(TICK_MS);
    gateway.tick();
  }
  assertEquals(session.congested, false);
  assert(MUTING.waitMs > SETTINGS.sessionTimeoutMs);
  publishTooMuch({ send, publish }); // what came before has been refused meanwhile
  assertEquals(session.congested, true);
});

Deno.test("a transaction counts as a publish, but for one with a commit", async () => {
  const publishing = [{ topic: "t", records: [{ value: 1 }] }];
  const commit = { subscription: 1, offsets: [{ topic: "t", partition: 0, offset: 1 }] };
  for (const isMuted of [true, false]) {
    const { gateway, send, publish } = await fixture();
    await publishFirst({ send, publish });
    const other = await connected(gateway);
    publishTooMuch({ send, publish });
    other.send({ type: "transact", id: 2, publish: publishing, ...isMuted ? {} : { commit } });
    assertEquals(other.session.congested, isMuted);
  }
});

Deno.test("who cannot be paused is never muted: what it sends would wait in memory", async () => {
  const { session, ...at } = await fixture({ canPause: false });
  await publishFirst(at);
  publishTooMuch(at);
  assertEquals(session.congested, false);
});
