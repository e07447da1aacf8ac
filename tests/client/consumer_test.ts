/** Consumers of the client, against a gateway that follows a script. */

import { assertEquals } from "@std/assert";
import {
  assigned,
  type Frame,
  joined,
  outcomeOf,
  reading,
  ScriptedGateway,
} from "./scripted_gateway.ts";

Deno.test("a consumer that ends while it joins leaves once it has joined", async () => {
  const gateway = await ScriptedGateway.open();
  const closing = gateway.client.consume("t", { group: "g" });
  await gateway.turn();
  const join = gateway.expect("join");
  const left = outcomeOf(closing.close());
  await gateway.ok(join, { subscription: 7, member: "m", epoch: 1 });
  const leaving = gateway.expect("leave");
  assertEquals([leaving["subscription"], left.now], [7, "pending"]);
  await gateway.ok(leaving);
  assertEquals(left.now, "done");

  // A membership that the gateway ends while it leaves does not rejoin.
  const ended = gateway.client.consume("t", { group: "g" });
  await gateway.turn();
  await joined(gateway);
  const closed = outcomeOf(ended.close());
  await gateway.turn();
  const leave = gateway.expect("leave");
  const end = { code: "not_owner", message: "It was too slow", retry: "rejoin" };
  await gateway.say("end", { subscription: 1, ...end });
  await gateway.refuse(leave, "unknown_subscription");
  assertEquals([gateway.take(), closed.now], [[], "done"]);
});

Deno.test("a client that is closed while its consumer joins waits until the consumer has left", async () => {
  const joining = async () => {
    const gateway = await ScriptedGateway.open();
    gateway.client.consume("t", { group: "g" });
    await gateway.turn();
    const join = gateway.expect("join");
    const closed = outcomeOf(gateway.client.close());
    await gateway.turn();
    return { gateway, join, closed };
  };
  const { gateway, join, closed } = await joining();
  await gateway.ok(join, { subscription: 7, member: "m", epoch: 1 });
  assertEquals(closed.now, "pending");
  await gateway.ok(gateway.expect("leave"));
  assertEquals([closed.now, gateway.client.state.status], ["done", "closed"]);

  const refused = await joining();
  await refused.gateway.refuse(refused.join, "unavailable", "same");
  assertEquals([refused.closed.now, refused.gateway.take()], ["done", []]);

  const lost = await joining();
  lost.gateway.closeSocket();
  await lost.gateway.turn();
  assertEquals([lost.closed.now, lost.gateway.timers], ["done", 0]);
});

Deno.test("a commit before the loop was given its records commits none of them", async () => {
  const gateway = await ScriptedGateway.open();
  const consumer = gateway.client.consume<number>("t", { group: "g", autoCommitMs: false });
  await gateway.turn();
  await joined(gateway);
  const next = outcomeOf(consumer[Symbol.asyncIterator]().next());
  const said = gateway.records(0, 0, 3);
  for (let turn = 0; turn < 60 && next.now === "pending"; turn++) {
    consumer.commit();
    await Promise.resolve();
  }
  await said;
  assertEquals(next.now, "done");
  const offsets = gateway.take().flatMap(({ offsets = [] }) => offsets as { offset: number }[]);
  // The first may count already: the loop will certainly get it.
  assertEquals(offsets.filter(({ offset }) => offset > 1), []);
});

Deno.test("a commit within a batch that the loop was given commits all of it", async () => {
  const gateway = await ScriptedGateway.open();
  const consumer = gateway.client.consume<number>("t", { group: "g", autoCommitMs: false });
  await gateway.turn();
  await joined(gateway);
  const given = outcomeOf(consumer.batches().next());
  await gateway.records(0, 0, 3);
  consumer.commit();
  await gateway.turn();
  const { offsets } = gateway.expect("commit");
  assertEquals([given.now, offsets], ["done", [{ topic: "t", partition: 0, offset: 3 }]]);
});

Deno.test("a commit that has no answer when its consumer is closed may have happened", async () => {
  for (const isLost of [false, true]) {
    const gateway = await ScriptedGateway.open();
    const consumer = gateway.client.consume("t", { group: "g", autoCommitMs: false });
    await gateway.turn();
    await joined(gateway, [assigned(0), assigned(1)]);
    const commit = (partition: number) =>
      outcomeOf(consumer.commit([{ topic: "t", partition, offset: 1 }]));
    const outcomes = [commit(0)];
    await gateway.turn();
    if (isLost) {
      gateway.closeSocket();
      outcomes.push(commit(1)); // which is never sent
    }
    consumer.close();
    await gateway.turn();
    if (!isLost) await gateway.ok(gateway.expect("leave"));
    const expected = isLost ? ["closed unknown", "closed none"] : ["closed unknown"];
    assertEquals(outcomes.map(({ now }) => now), expected);
  }
});

Deno.test("partitions that were assigned and lost while the loop was busy are reported as lost", async () => {
  const gateway = await ScriptedGateway.open();
  const told: string[] = [];
  const consumer = gateway.client.consume<number>("t", {
    group: "g",
    onAssign: (given) => void told.push(`assign ${given.map(({ partition }) => partition)}`),
    onRevoke: (gone, { lost }) =>
      void told.push(`revoke ${gone.map(({ partition }) => partition)}${lost ? " lost" : ""}`),
  });
  await gateway.turn();
  await joined(gateway);
  const read = reading(consumer);
  await gateway.records(0, 0, 1);
  await gateway.say("assign", { subscription: 1, epoch: 2, partitions: [assigned(5)] });
  const five = [{ topic: "t", partition: 5 }];
  await gateway.say("revoke", { subscription: 1, epoch: 3, partitions: five, deadlineMs: 1_000 });
  read.go();
  await gateway.turn();
  assertEquals(told, ["assign 0", "revoke 5"]);

  // It was in hand while it was revoked, lost, and assigned again: there is nothing to give up.
  told.length = 0;
  gateway.take();
  await gateway.records(0, 1, 2);
  const zero = [{ topic: "t", partition: 0 }];
  await gateway.say("revoke", { subscription: 1, epoch: 4, partitions: zero, deadlineMs: 1_000 });
  const lost = { subscription: 1, epoch: 4, partitions: zero, deadlineMs: 0, lost: true };
  await gateway.say("revoke", lost);
  await gateway.say("assign", { subscription: 1, epoch: 5, partitions: [assigned(0, 1)] });
  read.go();
  await gateway.turn();
  assertEquals(told, ["revoke 0 lost", "assign 0"]);
  assertEquals(gateway.take().filter(({ type }) => type === "release"), []);
});

Deno.test("a consumer that sought back below its commit continues there after a reconnection", async () => {
  const gateway = await ScriptedGateway.open();
  const consumer = gateway.client.consume<number>("t", { group: "g", autoCommitMs: false });
  await gateway.turn();
  await joined(gateway);
  const read = reading(consumer);
  read.holds = false;
  await gateway.records(0, 0, 10);
  consumer.commit([{ topic: "t", partition: 0, offset: 10 }]);
  await gateway.turn();
  await gateway.ok(gateway.expect("commit"), { offsets: [] });
  consumer.seek([{ topic: "t", partition: 0, offset: 0 }]);
  await gateway.turn();
  await gateway.ok(gateway.expect("seek"));
  read.seen.length = 0;
  read.holds = true;
  await gateway.records(0, 0, 1);
  await gateway.records(0, 1, 6);
  await gateway.cut();
  await joined(gateway, [assigned(0, 10)]);
  const seek = gateway.expect("seek");
  assertEquals(seek["partitions"], [{ topic: "t", partition: 0, offset: 6 }]);
  await gateway.records(0, 10, 12);
  await gateway.ok(seek);
  await gateway.records(0, 6, 12);
  read.holds = false;
  read.go();
  await gateway.turn();
  assertEquals(read.seen, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
});

Deno.test("a consumer's seek waits for the connection, and for what is owned then", async () => {
  const waiting = async (answered: boolean) => {
    const gateway = await ScriptedGateway.open();
    const places = [{ topic: "t", partition: 0, offset: 40 }];
    let load = () => {};
    const consumer = gateway.client.consume<number>("t", {
      group: "g",
      onAssign: async () => {
        await new Promise<void>((resolve) => load = resolve);
        await consumer.seek(places);
      },
    });
    const next = outcomeOf(consumer[Symbol.asyncIterator]().next());
    await gateway.turn();
    await joined(gateway);
    if (answered) gateway.closeSocket();
    load();
    await gateway.turn();
    // Either there is no connection at the call, or it is lost before the answer.
    if (!answered) gateway.closeSocket();
    await gateway.advance(3_000);
    await gateway.greet();
    return { gateway, consumer, next, places };
  };
  for (const answered of [true, false]) {
    const { gateway, next, places } = await waiting(answered);
    await joined(gateway);
    const seeks = gateway.take().filter(({ type }) => type === "seek");
    assertEquals(seeks.map(({ partitions }) => partitions), [places]);
    await gateway.ok(seeks[0] as Frame);
    await gateway.records(0, 40, 41);
    assertEquals(next.now, "done");
  }

  const another = await waiting(true);
  await joined(another.gateway, [assigned(0, 7)]);
  await another.gateway.ok(another.gateway.expect("leave"));
  assertEquals(another.next.now, "not_owner none");

  const closed = await waiting(false);
  closed.consumer.close();
  closed.gateway.closeSocket();
  await closed.gateway.turn();
  assertEquals(
    closed.next.now,
    "done",
    "its loop ends, and what onAssign waited for does not matter",
  );
});

Deno.test("a partition whose log ends before its received records begins anew, others continue", async () => {
  const gateway = await ScriptedGateway.open();
  const told: string[] = [];
  const consumer = gateway.client.consume<number>("t", {
    group: "g",
    onAssign: (given) => void told.push(`assign ${given.map(({ partition }) => partition)}`),
    onRevoke: (gone) => void told.push(`revoke ${gone.map(({ partition }) => partition)}`),
  });
  await gateway.turn();
  await joined(gateway, [assigned(0), assigned(1)]);
  const read = reading(consumer);
  read.holds = false;
  await gateway.records(0, 0, 10);
  await gateway.records(1, 0, 10);
  read.seen.length = 0;
  told.length = 0;
  await gateway.cut();
  const ends = [4, 10];
  await joined(gateway, ends.map((end, partition) => ({ ...assigned(partition, 2), end })));
  await gateway.records(0, 2, 6);
  await gateway.records(1, 2, 11);
  assertEquals(told, ["revoke 0", "assign 0"]);
  assertEquals(read.seen, [2, 3, 4, 5, 10]);
});

Deno.test("a commit with metadata is not replaced by one without", async () => {
  const gateway = await ScriptedGateway.open();
  const consumer = gateway.client.consume<number>("t", { group: "g" });
  const commit = (metadata: string) =>
    outcomeOf(consumer.commit([{ topic: "t", partition: 0, offset: 1, metadata }]));
  const committed = () =>
    gateway.take().filter(({ type }) => type === "commit").map(({ offsets }) => offsets);
  const noted = (metadata: string) => [{ topic: "t", partition: 0, offset: 1, metadata }];
  await gateway.turn();
  await joined(gateway);
  const read = reading(consumer);
  await gateway.records(0, 0, 1);
  const first = commit("first");
  read.go();
  await gateway.advance(200);
  assertEquals(committed(), [noted("first")]);

  // The last unanswered commit is resent, and the one that was never sent is sent as it was given.
  commit("second");
  await gateway.turn();
  gateway.closeSocket();
  commit("third");
  await gateway.advance(3_000);
  await gateway.greet();
  await joined(gateway);
  const again = gateway.take().filter(({ type }) => type === "commit");
  assertEquals(again.map(({ offsets }) => offsets), [noted("third")]);
  await gateway.ok(again[0] as Frame, { offsets: [] });
  assertEquals(first.now, "done");
});

Deno.test("commits with much metadata are split into several frames", async () => {
  const gateway = await ScriptedGateway.open();
  const consumer = gateway.client.consume<number>("t", { group: "g", autoCommitMs: false });
  const partitions = Array.from({ length: 40 }, (_, partition) => assigned(partition));
  await gateway.turn();
  await joined(gateway, partitions);
  consumer.commit(
    partitions.map(({ topic, partition }) => ({
      topic,
      partition,
      offset: 0,
      metadata: "m".repeat(4_096),
    })),
  ).catch(() => {});
  await gateway.turn();
  const commits = gateway.take().filter(({ type }) => type === "commit");
  assertEquals(commits.map(({ offsets }) => (offsets as unknown[]).length), [15, 15, 10]);
});

Deno.test("a loop whose consumer is closed gets nothing more, be it of a batch that it has", async () => {
  const gateway = await ScriptedGateway.open();
  const consumer = gateway.client.consume<number>("t", { group: "g" });
  await gateway.turn();
  await joined(gateway);
  const read = reading(consumer);
  await gateway.records(0, 0, 5);
  consumer.close();
  read.go();
  await gateway.turn();
  assertEquals(read.seen, [0]);
});

Deno.test("a consumer's seek that is refused temporarily is retried, also on the next connection", async () => {
  for (const isLost of [false, true]) {
    const gateway = await ScriptedGateway.open();
    const consumer = gateway.client.consume("t", { group: "g" });
    await gateway.turn();
    await joined(gateway);
    const outcome = outcomeOf(consumer.seek([{ topic: "t", partition: 0, offset: 5 }]));
    await gateway.turn();
    await gateway.refuse(gateway.expect("seek"), "unavailable", "same");
    if (isLost) {
      await gateway.cut();
      await joined(gateway);
    }
    await gateway.advance(1_000);
    const seeks = gateway.take().filter(({ type }) => type === "seek");
    assertEquals(seeks.length, 1);
    await gateway.ok(seeks[0] as Frame);
    assertEquals(outcome.now, "done");
  }
});

Deno.test("a draining gateway is not left while the loop is in a partition that is being revoked", async () => {
  const gateway = await ScriptedGateway.open();
  const consumer = gateway.client.consume<number>("t", { group: "g" });
  await gateway.turn();
  await joined(gateway);
  const read = reading(consumer);
  await gateway.records(0, 0, 1);
  await gateway.say("drain", { reconnectAfterMs: 1_000 });
  const partitions = [{ topic: "t", partition: 0 }];
  await gateway.say("revoke", { subscription: 1, epoch: 2, partitions, deadlineMs: 45_000 });
  await gateway.advance(2_000);
  assertEquals(gateway.client.state.status, "open");
  read.go();
  await gateway.turn();
  const [commit, release] = gateway.take() as [Frame, Frame];
  assertEquals([commit.type, release.type], ["commit", "release"]);
  await gateway.ok(commit);
  await gateway.advance(200);
  assertEquals(gateway.client.state.status, "waiting");
});
