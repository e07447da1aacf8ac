/**
 * A store on a disk that fails: full, read-only from the start, read-only from one moment to the next.
 * What cannot be stored is refused in words that a client can act on, never acknowledged; what is
 * stored can be read meanwhile; and when the disk is well again, it goes on without a restart.
 */

import { assert, assertEquals, assertGreater, assertMatch } from "@std/assert";
import { Client, Refusal } from "../support/client.ts";
import { immutableTest, setImmutable, SmallDisk, smallDiskTest } from "../support/failing_disk.ts";
import { ERROR_TABLE, type ErrorReply, type Frame, type Stamp } from "../support/frames.ts";
import { Gateway } from "../support/gateway.ts";
import { call, describeTopic, makeTopic } from "../support/http.ts";

const MiB = 1_048_576;
/** So much that no file has room for one more without growing. */
const padding = "x".repeat(200_000);
const valueOf = (name: string) => `${name} ${padding}`;

/** What one writer was told of its publishes to one partition. */
class Told {
  /** By offset. */
  readonly acknowledged = new Map<number, string>();
  /** Of these it was said that nothing happened. */
  readonly refused = new Set<string>();
  readonly #client: Client;
  readonly #topic: string;

  constructor(client: Client, topic: string) {
    this.#client = client;
    this.#topic = topic;
  }

  /** The error that it was refused with, if it was. */
  async publish(name: string, producer?: Stamp): Promise<ErrorReply | undefined> {
    try {
      const records = [{ value: valueOf(name), partition: 0 }];
      const { offsets: [place] } = await this.#client.publish(this.#topic, records, producer);
      const offset = place![1];
      assert(!this.acknowledged.has(offset), `two were told that they are at ${offset}`);
      this.acknowledged.set(offset, name);
      this.refused.delete(name);
      return undefined;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      requireClear(error.reply);
      if (error.reply.effect === "none") this.refused.add(name);
      return error.reply;
    }
  }

  /** All that is in the log is read: what was acknowledged is there once, what was refused is not. */
  async mustHold(gateway: Gateway): Promise<void> {
    const { partitions } = await describeTopic(gateway, this.#topic);
    const { next } = partitions[0]!;
    await using reader = await Client.open(gateway);
    const options = { from: "earliest", partitions: [0], credit: { records: 10_000 } };
    const { subscription } = await reader.subscribe(this.#topic, options);
    const records = await reader.records(subscription, next);
    assertEquals(records.map(({ offset }) => offset), Array.from({ length: next }, (_, i) => i));
    const names = records.map(({ value }) => String(value).split(" ")[0]!);
    for (const [offset, name] of this.acknowledged) assertEquals(names[offset], name);
    assertEquals(names.length, new Set(names).size, "nothing is there twice");
    assertEquals(names.filter((name) => this.refused.has(name)), []);
  }
}

/** The store is the trouble, and it is said so, with what may have happened. */
function requireClear({ code, retry, effect }: ErrorReply): void {
  assert(["unavailable", "timeout"].includes(code), `refused with ${code}`);
  assertEquals([retry, effect], ERROR_TABLE[code]!.slice(1));
}

/** What would change the store while nothing can be written: each is answered, and clearly. */
async function requireClearAnswers(gateway: Gateway, topic: string, member: Client): Promise<void> {
  const { subscription } = member.pushes("assign")[0]!;
  const transacted = { topic, records: [{ value: valueOf("transacted"), partition: 1 }] };
  const requests: readonly Frame[] = [
    { type: "join", group: "others", topics: [topic] },
    { type: "initProducer", name: "somebody" },
    { type: "subscribe", topic: "made-on-first-use" },
    { type: "transact", publish: [transacted] },
  ];
  const commit = { type: "commit", subscription, offsets: [{ topic, partition: 0, offset: 1 }] };
  const made = call(gateway, "PUT", "/v1/topics/made", { partitions: 1 });
  await Promise.all([
    requireClearAnswer(member, commit),
    ...requests.map(async (request) => {
      await using client = await Client.open(gateway);
      await requireClearAnswer(client, request);
    }),
  ]);
  const { status, text } = await made;
  assert(status === 503 || status === 504, text);
}

async function requireClearAnswer(client: Client, request: Frame): Promise<void> {
  const [reply] = await client.all([request], (text) => text.slice(1, -1));
  assert(reply!.type === "error", `${request.type} was answered with ok`);
  requireClear(reply!);
}

/** What is stored can be read, from the start and at the head. */
async function requireReads(gateway: Gateway, topic: string, { acknowledged }: Told) {
  assertEquals((await call(gateway, "GET", "/healthz")).status, 200);
  const path = `/v1/topics/${topic}/partitions/0/records?offset=0&limit=1`;
  assertMatch((await call(gateway, "GET", path)).text, /"offset":0/);
  await using reader = await Client.open(gateway);
  const options = { from: "earliest", credit: { records: 10_000 } };
  const { subscription } = await reader.subscribe(topic, options);
  await reader.records(subscription, acknowledged.size);
}

smallDiskTest(
  "a full disk is told to all, nothing is lost, and with room it goes on",
  async () => {
    await using disk = await SmallDisk.mount(16 * MiB);
    await disk.take(12 * MiB);
    const WEIR_STORE = `${disk.folder}/weir.kv`;
    let told: Told;
    {
      await using gateway = await Gateway.start({ WEIR_STORE });
      const topic = await makeTopic(gateway, 2);
      await using member = await Client.open(gateway);
      const { subscription } = await member.join("readers", [topic], {
        credit: { records: 10_000 },
      });
      await member.until("assign", ({ partitions }) => partitions.length === 2);
      await using writer = await Client.open(gateway);
      await using unnumbered = await Client.open(gateway);
      told = new Told(writer, topic);
      const plain = new Told(unnumbered, topic);
      const { producer } = await writer.initProducer();

      let sequence = 0;
      const publish = () => told.publish(`numbered-${sequence}`, { ...producer, sequence });
      for (; !await publish(); sequence++) assert(sequence < 1_000, "the disk never got full");
      assertGreater(sequence, 10);
      await Promise.all([
        plain.publish("unnumbered").then((error) => assert(error, "the disk is full")),
        publish().then((error) => assert(error, "the disk is full")),
        requireClearAnswers(gateway, topic, member),
        requireReads(gateway, topic, told),
      ]);

      await disk.makeRoom();
      for (const last = sequence + 20; sequence < last; sequence++) {
        assertEquals(await publish(), undefined);
      }
      await member.commit(subscription, [{ topic, partition: 0, offset: sequence }]);
      for (const name of plain.refused) told.refused.add(name);
      await told.mustHold(gateway);
      await gateway.stop("SIGKILL");
      await Promise.all([member.closed, writer.closed, unnumbered.closed]);
    }
    await using again = await Gateway.start({ WEIR_STORE });
    await told.mustHold(again);
  },
);

immutableTest(
  "a file that becomes read-only is told to all, and later it goes on",
  async () => {
    const folder = await Deno.makeTempDir({ prefix: "weir-" });
    const WEIR_STORE = `${folder}/weir.kv`;
    const files = [WEIR_STORE, `${WEIR_STORE}-wal`];
    try {
      await using gateway = await Gateway.start({ WEIR_STORE });
      const topic = await makeTopic(gateway, 2);
      await using member = await Client.open(gateway);
      await member.join("readers", [topic]);
      await member.until("assign", ({ partitions }) => partitions.length === 2);
      await using writer = await Client.open(gateway);
      const told = new Told(writer, topic);
      assertEquals(await told.publish("before"), undefined);

      await setImmutable(files, true);
      try {
        await Promise.all([
          told.publish("meanwhile").then((error) => assert(error, "nothing can be written")),
          requireClearAnswers(gateway, topic, member),
          requireReads(gateway, topic, told),
        ]);
      } finally {
        await setImmutable(files, false);
      }
      assertEquals(await told.publish("after"), undefined);
      await told.mustHold(gateway);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
);

smallDiskTest(
  "a read-only disk is refused in a line that says what would be right",
  async () => {
    await using disk = await SmallDisk.mount(8 * MiB);
    const WEIR_STORE = `${disk.folder}/data/weir.kv`;
    const requireRefusal = async () => {
      await disk.remount("ro");
      const { code, stderr } = await Gateway.refused({ WEIR_STORE });
      await disk.remount("rw");
      assertEquals(code, 1, stderr);
      assertMatch(
        stderr,
        /^Cannot open the store \S+weir\.kv: Read-only .*; set WEIR_STORE to .* that can be written .*\n$/,
      );
    };
    await requireRefusal();
    await (await Gateway.start({ WEIR_STORE })).stop("SIGTERM");
    await requireRefusal();
    await (await Gateway.start({ WEIR_STORE })).stop("SIGTERM");
  },
);
