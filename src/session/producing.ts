/** The verbs of a session that produce: initProducer, publish, transact. */

import { GatewayError } from "../errors.ts";
import { forgetOldest } from "../forget_oldest.ts";
import { PRODUCER, TOPIC } from "../limits.ts";
import type { AppendPart, AppendResult, Rider } from "../log/append.ts";
import { type Admission, giveUp, Lane } from "../log/lane.ts";
import { storedBytesOf } from "../log/record.ts";
import type { ClientFrame, FrameOf, PublishFrame, TransactFrame } from "../protocol/frames.ts";
import { inTwoEpochs } from "../protocol/publish.ts";
import type { ProducerId } from "../producers.ts";
import type { ProducerStamp, Topic } from "../types.ts";
import type { Parts } from "./parts.ts";
import { Publishing } from "./publishing.ts";
import type { Passage } from "./turnstile.ts";

/** Producers that are tracked for one session, at least; beyond that the oldest are forgotten. */
const LANES = 10_000;

interface KnownLane {
  readonly epoch: number;
  readonly lane: Lane;
}

interface Stamped {
  readonly producer?: ProducerStamp | undefined;
}

export class Producing {
  readonly #parts: Parts;
  readonly #lanes = new Map<string, KnownLane>();
  /** What waits for its topic or its turn; everything that comes later waits behind it. */
  #line: Promise<void> = Promise.resolve();
  #inLine = 0;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  initProducer({ id, name }: FrameOf<"initProducer">): void {
    this.#parts.requests.settle(id, async () => ({
      producer: await this.#initProducer(name),
      keptMs: PRODUCER.keptMs,
    }));
  }

  #initProducer(name: string | undefined): Promise<ProducerId> {
    const { broker, subjects, who: { identity } } = this.#parts;
    identity.rights.require({ verb: "init producer" });
    if (name !== undefined) subjects.nameProducer(identity);
    return broker.initProducer(identity.subject, name);
  }

  /** The hot path: if the topic is known and nothing waits for it, this is synchronous. */
  publish(frame: PublishFrame): void {
    let admission: Admission | undefined;
    try {
      admission = frame.producer && this.#admit(frame.producer);
      this.#admitRecords(frame);
    } catch (error) {
      const refusal = this.#parts.requests.asGatewayError(error);
      giveUp(frame.producer, admission, refusal);
      return this.#parts.requests.fail(frame.id, refusal);
    }
    const topic = this.#parts.broker.topic(frame.topic);
    if (topic && this.#inLine === 0 && this.#parts.turnstile.share(frame.topic)) {
      this.#append(frame, topic, admission);
    } else {
      this.#standInLine({ shared: [frame.topic] }, async (leave) => {
        try {
          this.#append(frame, await this.#parts.broker.ensureTopic(frame.topic), admission);
        } catch (error) {
          leave();
          const refusal = this.#parts.requests.asGatewayError(error);
          giveUp(frame.producer, admission, refusal);
          this.#parts.requests.fail(frame.id, refusal);
        }
      });
    }
  }

  transact({ id, publish, commit }: TransactFrame): void {
    const { broker, rest } = this.#parts;
    // With a commit it is what a consumer makes of what it has read: muted, it would fall behind.
    if (!commit && broker.isBehind) {
      rest.published(publish.reduce((sum, { records }) => sum + storedBytesOf(records), 0));
    }
    const admissions: (Admission | undefined)[] = [];
    const refuse = (error: unknown) => {
      const refusal = this.#parts.requests.asGatewayError(error);
      for (const [i, { producer }] of publish.entries()) giveUp(producer, admissions[i], refusal);
      this.#passOver(publish.slice(admissions.length));
      this.#parts.requests.fail(id, refusal);
    };
    try {
      requireAlike(publish);
      requireOneEpoch(publish);
      requireWithinWindow(publish);
      requireFewTopics(publish);
      for (const { producer } of publish) admissions.push(producer && this.#admit(producer));
      this.#admitAll(publish);
    } catch (error) {
      return refuse(error);
    }
    const shared = publish.map(({ topic }) => topic);
    const alone = commit ? [commit.subscription] : [];
    const board = commit && this.#boarding(commit);
    this.#standInLine({ shared, alone }, async (leave) => {
      try {
        const topics = await Promise.all(
          publish.map(({ topic }) => this.#parts.broker.ensureTopic(topic)),
        );
        const parts = publish.map(({ records, producer }, i): AppendPart => ({
          topic: topics[i] as Topic,
          records,
          producer,
          admission: admissions[i],
        }));
        const done = (result: AppendResult) => {
          leave();
          this.#answerTransaction(id, result);
        };
        this.#parts.broker.append(board ? { parts, board, done } : { parts, done });
      } catch (error) {
        leave();
        refuse(error);
      }
    });
  }

  /**
   * Runs it when its turn has come at its gates and everything before it in line is done: what a
   * session publishes goes to the log in the order in which it came, over all topics.
   */
  #standInLine(passage: Passage, run: (leave: () => void) => Promise<void>): void {
    this.#inLine++;
    const turn = new Promise<() => void>((resolve) => this.#parts.turnstile.pass(passage, resolve));
    this.#line = this.#line.then(async () => {
      await run(await turn);
      this.#inLine--;
    });
  }

  /** A transaction's commit, judged when its turn comes by what the member holds now. */
  #boarding({ subscription, offsets }: NonNullable<TransactFrame["commit"]>): () => Rider {
    const { subscriptions } = this.#parts;
    const live = subscriptions.find(subscription);
    const held = live?.kind === "group" ? live.membership.holdings(offsets) : [];
    return () => subscriptions.member(subscription).membership.board(offsets, held);
  }

  #append(
    { id, records, producer }: PublishFrame,
    topic: Topic,
    admission: Admission | undefined,
  ): void {
    const { broker, requests, rest, turnstile } = this.#parts;
    const part: AppendPart = { topic, records, producer, admission };
    broker.append(new Publishing(id, part, requests, turnstile));
    if (broker.isBehind) rest.published(storedBytesOf(records));
  }

  #answerTransaction(id: number, result: AppendResult): void {
    if (!result.ok) return this.#parts.requests.fail(id, result.error);
    const { offsets, duplicate } = result;
    this.#parts.requests.ok(id, duplicate ? { offsets, duplicate } : { offsets });
  }

  /** Throws unless it has the right to publish these, and is within its rate. */
  #admitRecords({ topic, records }: Pick<PublishFrame, "topic" | "records">): void {
    const { who: { identity }, subjects } = this.#parts;
    identity.rights.require({ verb: "publish", topic, records });
    subjects.publish(identity, records);
  }

  /** The same for all parts of a transaction; the rate is charged for all of them or none. */
  #admitAll(parts: TransactFrame["publish"]): void {
    const { who: { identity }, subjects } = this.#parts;
    for (const { topic, records } of parts) {
      identity.rights.require({ verb: "publish", topic, records });
    }
    subjects.publish(identity, parts.flatMap(({ records }) => records));
  }

  /** A frame was refused before it was handled: its sequences are still the next ones. */
  passOver(frame: ClientFrame): void {
    const parts = frame.type === "publish"
      ? [frame]
      : frame.type === "transact"
      ? frame.publish
      : [];
    this.#passOver(parts);
  }

  #passOver(parts: readonly Stamped[]): void {
    const stamps = stampsOf(parts);
    const torn = inTwoEpochs(stamps);
    for (const stamp of stamps) if (!torn.has(stamp.id)) this.refused(stamp);
  }

  /** The same for one sequence. */
  refused({ id, epoch, sequence }: ProducerStamp): void {
    this.#lane(id, epoch).refused(sequence);
  }

  #admit({ id, epoch, sequence }: ProducerStamp): Admission {
    return this.#lane(id, epoch).admit(sequence);
  }

  #lane(id: string, epoch: number): Lane {
    const known = this.#lanes.get(id);
    if (known?.epoch === epoch) return known.lane;
    const lane = new Lane();
    this.#lanes.set(id, { epoch, lane });
    forgetOldest(this.#lanes, LANES);
    return lane;
  }
}

function stampsOf(parts: readonly Stamped[]): ProducerStamp[] {
  return parts.flatMap(({ producer = [] }) => producer);
}

/** If only some parts had a producer, a repeat could not be recognized as a whole. */
function requireAlike(parts: TransactFrame["publish"]): void {
  const stamped = parts.filter(({ producer }) => producer).length;
  if (stamped === 0 || stamped === parts.length) return;
  throw new GatewayError(
    "invalid_frame",
    "publish must have a producer in all of its parts or in none: a repeat is known by all of them",
  );
}

/** A producer has one epoch at a time: what is sent under an older one must not be stored. */
function requireOneEpoch(parts: TransactFrame["publish"]): void {
  if (inTwoEpochs(stampsOf(parts)).size === 0) return;
  throw new GatewayError("invalid_frame", "publish must have one epoch of a producer in all parts");
}

/** Each topic has a stripe: those that cannot be written to together need not be created. */
function requireFewTopics(parts: TransactFrame["publish"]): void {
  const { size } = new Set(parts.map(({ topic }) => topic));
  if (size <= TOPIC.stripes) return;
  const message = `Cannot write to ${size} topics at once: at most ${TOPIC.stripes}`;
  throw new GatewayError("transaction_too_large", message);
}

/** All parts of one producer count as unanswered together. */
function requireWithinWindow(parts: TransactFrame["publish"]): void {
  const counts = new Map<string, number>();
  for (const { producer } of parts) {
    if (producer) counts.set(producer.id, (counts.get(producer.id) ?? 0) + 1);
  }
  for (const count of counts.values()) {
    if (count <= PRODUCER.window) continue;
    throw new GatewayError(
      "transaction_too_large",
      `A transaction may have ${PRODUCER.window} parts of one producer, not ${count}`,
    );
  }
}
