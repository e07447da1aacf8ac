/** Gateways over one store, as processes: what one is told the others know, and one's end is no loss. */

import { assert, assertEquals } from "@std/assert";
import { Client, type ClientOptions } from "../support/client.ts";
import { Denokv, denokvTest } from "../support/denokv.ts";
import { eventually } from "../support/eventually.ts";
import { Gateway } from "../support/gateway.ts";
import { describeGroup, fresh, makeTopic } from "../support/http.ts";

const leaseMs = 1_000;
/** Long enough for what is looked at only now and then, where a hint was lost. */
const patienceMs = 30_000;

/** Runs with so many gateways on one store. */
async function withGateways(
  count: number,
  run: (gateways: readonly Gateway[], denokv: Denokv) => Promise<void>,
): Promise<void> {
  await using denokv = await Denokv.start();
  const environment = { ...denokv.environment, WEIR_LEASE_MS: String(leaseMs) };
  const gateways = await Promise.all(
    Array.from({ length: count }, () => Gateway.start(environment)),
  );
  try {
    await run(gateways, denokv);
  } finally {
    await Promise.all(gateways.map((gateway) => gateway[Symbol.asyncDispose]()));
  }
}

/** Whoever is told to give something up does. */
const releasing: ClientOptions = {
  onPush(client, { type, subscription, partitions, lost }) {
    if (type === "revoke" && !lost) client.send({ type: "release", subscription, partitions });
  },
};

/** The partitions of a topic that each member of a group has, by the gateway that is asked. */
async function shares(gateway: Gateway, group: string): Promise<number[]> {
  const { members } = await describeGroup(gateway, group);
  return members.map(({ partitions }) => partitions.length).sort((a, b) => a - b);
}

denokvTest(
  "what is published at one gateway reaches a subscriber at another, in order",
  () =>
    withGateways(2, async ([a, b]) => {
      const topic = await makeTopic(a!, 4);
      await using reader = await Client.open(b!);
      await using writer = await Client.open(a!);
      const { subscription } = await reader.subscribe(topic, { credit: { records: 1_000 } });
      for (let value = 0; value < 50; value++) await writer.publish(topic, [{ key: "k", value }]);
      const records = await reader.records(subscription, 50);
      assertEquals(records.map(({ value }) => value), Array.from({ length: 50 }, (_, i) => i));
    }),
);

denokvTest(
  "a publish that is repeated at another gateway is found, not stored again",
  () =>
    withGateways(2, async ([a, b]) => {
      const topic = await makeTopic(a!, 1);
      await using first = await Client.open(a!);
      await using second = await Client.open(b!);
      const producer = { ...(await first.initProducer()).producer, sequence: 0 };
      const { offsets } = await first.publish(topic, [{ value: 1 }, { value: 2 }], producer);
      const repeat = await second.publish(topic, [{ value: 1 }, { value: 2 }], producer);
      assertEquals([repeat.offsets, repeat.duplicate], [offsets, true]);
    }),
);

denokvTest(
  "members at several gateways share a group; those of a dead one are given up",
  () =>
    withGateways(3, async ([a, b, c]) => {
      const [topic, group] = [await makeTopic(a!, 6), fresh("group")];
      await using atB = await Client.open(b!, releasing);
      await using atC = await Client.open(c!, releasing);
      const atA = await Client.open(a!, releasing);
      for (const client of [atA, atB, atC]) {
        await client.join(group, [topic], { revokeTimeoutMs: 1_000 });
      }
      const become = (what: string, wanted: string) =>
        eventually(what, async () => (await shares(b!, group)).join() === wanted, patienceMs);
      await become("each has two", "2,2,2");
      a!.signal("SIGKILL");
      await become("two have three", "3,3");
      await atA.closed;
    }),
);

denokvTest(
  "who was with a gateway that is drained is given up at once",
  () =>
    withGateways(2, async ([a, b]) => {
      const [topic, group] = [await makeTopic(a!, 4), fresh("group")];
      const atA = await Client.open(a!, releasing);
      await using atB = await Client.open(b!, releasing);
      await atA.join(group, [topic]);
      await atB.join(group, [topic]);
      a!.signal("SIGTERM");
      await eventually("one has all", async () => (await shares(b!, group)).join() === "4");
      await atA.closed;
    }),
);

denokvTest(
  "the store's restart loses nothing, and gateways go on",
  () =>
    withGateways(2, async ([a, b], denokv) => {
      const topic = await makeTopic(a!, 1);
      await using writer = await Client.open(a!);
      await using reader = await Client.open(b!);
      const { subscription } = await reader.subscribe(topic, { from: "earliest" });
      const { producer } = await writer.initProducer();
      let stored = 0;
      const publish = async (sequence: number) => {
        const stamp = { ...producer, sequence };
        for (;;) {
          try {
            await writer.publish(topic, [{ value: sequence }], stamp);
            return stored++;
          } catch (error) {
            assert(/unavailable|timeout/.test(String(error)), String(error));
          }
        }
      };
      for (let sequence = 0; sequence < 5; sequence++) await publish(sequence);
      await denokv.restart();
      for (let sequence = 5; sequence < 10; sequence++) await publish(sequence);
      const records = await reader.records(subscription, 10);
      assertEquals(records.map(({ value }) => value), Array.from({ length: 10 }, (_, i) => i));
      assertEquals(stored, 10);
    }),
);
