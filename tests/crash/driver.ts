/**
 * The driver of the crash test, a process of its own: it publishes with idempotent producers, reads
 * and commits with a group of four, and writes down every acknowledgement when it comes. When the
 * gateway is gone it connects again and sends what is unanswered once more, in order.
 *
 *     A producer sequence duplicate [[partition,offset],…]     a publish was acknowledged
 *     C partition offset                                       a commit was acknowledged
 *     S partition offset                                       an assignment began here
 *     L unanswered duplicates                                  a producer's connection was lost
 */

import { Connection, Refused } from "./connection.ts";
import { Member, type Work } from "./member.ts";

const PRODUCERS = 8;
const WINDOW = 16;
const RECORDS = 25;
const MEMBERS = 4;

/** The records of a publish, so that whoever reads them knows what they must be. */
export function recordsOf(producer: number, sequence: number) {
  return Array.from({ length: RECORDS }, (_, i) => ({
    key: `k${(sequence + i) % 64}`,
    value: { producer, sequence, i, filler: "0123456789".repeat(8) },
  }));
}

if (import.meta.main) {
  const [url = "", topic = "", path = ""] = Deno.args;
  const file = await Deno.open(path, { create: true, append: true });
  const lines: string[] = [];
  const write = (line: string) => lines.push(line);
  setInterval(() => {
    if (lines.length > 0) file.writeSync(new TextEncoder().encode(lines.splice(0).join("")));
  }, 20);
  for (let i = 0; i < PRODUCERS; i++) produce(url, topic, i, write);
  for (let i = 0; i < MEMBERS; i++) consume(url, topic, write);
}

/** Tries again as long as there is no gateway; any refusal but "try again" ends the test. */
async function persist<T>(attempt: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (error instanceof Refused && error.reply["retry"] === "never") throw error;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }
}

type Write = (line: string) => void;

async function produce(url: string, topic: string, number: number, write: Write): Promise<void> {
  const first = await persist(() => Connection.open(url));
  const { producer } = await first.request("initProducer", {});
  first.close();
  const publisher = new Publisher(topic, number, producer as object, write);
  for (;;) {
    const connection = await persist(() => Connection.open(url));
    await publisher.publishUntilLost(connection);
  }
}

/** One producer's window of publishes, whose sequences go on from connection to connection. */
class Publisher {
  readonly #topic: string;
  readonly #number: number;
  readonly #producer: object;
  readonly #write: Write;
  /** Every sequence below is answered. */
  #oldest = 0;
  #answered = new Set<number>();

  constructor(topic: string, number: number, producer: object, write: Write) {
    this.#topic = topic;
    this.#number = number;
    this.#producer = producer;
    this.#write = write;
  }

  async publishUntilLost(connection: Connection): Promise<void> {
    this.#answered.clear();
    const begin = this.#oldest;
    let duplicates = 0;
    const line = async (start: number) => {
      for (let sequence = start;; sequence += WINDOW) {
        if (await this.#publish(connection, sequence)) duplicates++;
      }
    };
    const lines = Array.from({ length: WINDOW }, (_, i) => line(begin + i));
    const ends = await Promise.allSettled(lines);
    connection.close();
    const errors = ends.map((end) => end.status === "rejected" ? end.reason : undefined);
    const fatal = errors.find((error) =>
      error instanceof Refused && error.reply["retry"] === "never"
    );
    if (fatal) throw fatal;
    this.#write(`L ${errors.length} ${duplicates}\n`);
  }

  /** Whether it was a duplicate. */
  async #publish(connection: Connection, sequence: number): Promise<boolean> {
    const reply = await connection.request("publish", {
      topic: this.#topic,
      records: recordsOf(this.#number, sequence),
      producer: { ...this.#producer, sequence },
    });
    const duplicate = reply["duplicate"] === true;
    const offsets = JSON.stringify(reply["offsets"]);
    this.#write(`A ${this.#number} ${sequence} ${duplicate ? 1 : 0} ${offsets}\n`);
    this.#answered.add(sequence);
    while (this.#answered.delete(this.#oldest)) this.#oldest++;
    return duplicate;
  }
}

async function consume(url: string, topic: string, write: Write): Promise<void> {
  const work: Work = {
    group: "crash",
    topics: [topic],
    async assigned(_, { partition, offset }) {
      write(`S ${partition} ${offset}\n`);
    },
    async process(member, { partition, next }) {
      await member.commit([{ topic, partition, offset: next }]);
      write(`C ${partition} ${next}\n`);
    },
  };
  for (;;) {
    const member = await persist(() => Member.start(url, work));
    await member.connection.closed;
    member.kill();
  }
}
