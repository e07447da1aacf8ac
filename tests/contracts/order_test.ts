/** Order within a message, if a frame depends on an earlier one that is not stored yet. */

import { assertEquals } from "@std/assert";
import { Client } from "../support/client.ts";
import { Gateway } from "../support/gateway.ts";
import { fresh, makeTopic } from "../support/http.ts";

const shared = Gateway.shared();

Deno.test("a commit may name an offset that a publish in front of it stores", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  await using client = await Client.open(shared.gateway);
  const { subscription } = await client.join(fresh("group"), [topic]);
  for (let end = 1; end <= 20; end++) {
    const offsets = [{ topic, partition: 0, offset: end }];
    const replies = await client.all([
      { type: "publish", topic, records: [{ value: end }] },
      { type: "commit", subscription, offsets },
    ]);
    assertEquals(replies.map(({ type }) => type), ["ok", "ok"]);
  }
  const offsets = [{ topic, partition: 0, offset: 22 }];
  await client.refused("offset_out_of_range", { type: "commit", subscription, offsets });
});

Deno.test("a commit of the same offset changes its metadata, and the ok names it", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  await using client = await Client.open(shared.gateway);
  await client.publish(topic, [{ value: 1 }]);
  const { subscription } = await client.join(fresh("group"), [topic]);
  for (const metadata of ["first", "second"]) {
    const offsets = [{ topic, partition: 0, offset: 1, metadata }];
    const reply = await client.commit(subscription, offsets);
    assertEquals(reply.offsets, offsets);
  }
});

Deno.test("a transaction out of order must be resent from its first part", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  await using client = await Client.open(shared.gateway);
  const { producer } = await client.initProducer();
  const transact = (sequences: readonly number[]) => ({
    type: "transact",
    publish: sequences.map((sequence) => ({
      topic,
      records: [{ value: sequence }],
      producer: { ...producer, sequence },
    })),
  });
  const gap = await client.refused("sequence_gap", transact([0, 2]));
  assertEquals(gap.expected, 0);
  await client.request(transact([0, 1]));
  const sequences = Array.from({ length: 65 }, (_, i) => 2 + i);
  const tooLarge = await client.refused("transaction_too_large", transact(sequences));
  assertEquals(tooLarge.retry, "never");
});
