/**
 * The operations that sessions and HTTP requests call, on the log, the groups and the fan-out. It
 * has no state of its own.
 */

import { GatewayError } from "./errors.ts";
import type { Feed, FeedOptions, Sink } from "./fanout/feed.ts";
import type { Hub } from "./fanout/hub.ts";
import type { GroupDescription, ResetTarget } from "./group/group_admin.ts";
import type { Groups, JoinSpec } from "./group/groups.ts";
import type { Membership } from "./group/membership.ts";
import type { MemberPort } from "./group/member_port.ts";
import { readScopedName } from "./identity/scoped_name.ts";
import { LOG } from "./limits.ts";
import type { Append } from "./log/append.ts";
import type { Log } from "./log/log.ts";
import { partitionOf } from "./log/partitioner.ts";
import { keyToken } from "./log/record.ts";
import type { Bounds, Slice } from "./log/section.ts";
import { requirePartition, type TopicSpec, unknownTopic } from "./log/topics.ts";
import type { ProducerId, Producers } from "./producers.ts";
import type { FrameOf } from "./protocol/frames.ts";
import type { ResetReason } from "./protocol/gateway_frames.ts";
import type { Offset, Topic, TopicPartitionOffset } from "./types.ts";

/** What a subscription wants to read of a topic. */
export type ReadingRequest = Pick<FrameOf<"subscribe">, "from" | "partitions" | "keys">;

/** Where reading of a partition begins; `reset`: why not at the position that was asked for. */
export interface ReadingPlace {
  readonly partition: number;
  readonly offset: Offset;
  readonly reset?: ResetReason;
}

/** Options of a feed, as in the frame that asks for it. */
export interface FollowOptions extends Omit<FeedOptions, "keys"> {
  readonly keys?: readonly string[];
}

export interface BrokerParts {
  readonly log: Log;
  readonly hub: Hub;
  readonly groups: Groups;
  readonly producers: Producers;
}

export class Broker {
  readonly #log: Log;
  readonly #groups: Groups;
  readonly #hub: Hub;
  readonly #producers: Producers;

  constructor({ log, hub, groups, producers }: BrokerParts) {
    this.#log = log;
    this.#groups = groups;
    this.#hub = hub;
    this.#producers = producers;
  }

  /** The topic, if it is known here. */
  topic(name: string): Topic | undefined {
    return this.#log.topics.cached(name);
  }

  /** The topic, created if it may be. */
  ensureTopic(name: string): Promise<Topic> {
    return this.#log.topics.ensure(name);
  }

  /** The topic; throws `unknown_topic` if there is none. Never creates it. */
  async requireTopic(name: string): Promise<Topic> {
    const topic = await this.#log.topics.find(name);
    if (!topic) throw unknownTopic(name);
    return topic;
  }

  listTopics(): Promise<Topic[]> {
    return this.#log.topics.list();
  }

  /** Creates the topic, or sets the retention of the existing one. */
  createTopic(name: string, spec: TopicSpec): Promise<{ topic: Topic; made: boolean }> {
    return this.#log.topics.create(name, spec);
  }

  async removeTopic(name: string): Promise<void> {
    if (!await this.#log.topics.remove(name)) throw unknownTopic(name);
  }

  append(append: Append): void {
    this.#log.append(append);
  }

  /** Whether so much waits for the store that it is better not to read more. */
  get isBehind(): boolean {
    return this.#log.isBehind;
  }

  /** A producer of this subject. */
  initProducer(subject: string, name: string | undefined): Promise<ProducerId> {
    return this.#producers.init(subject, name);
  }

  bounds(topic: Topic, partition: number): Promise<Bounds> {
    return this.#log.bounds(topic, partition);
  }

  /** Records from `from` on, or from the start of the log if later, without a subscription. */
  async read(topic: Topic, partition: number, from: Offset): Promise<Slice> {
    await this.#log.catchUp(topic);
    return await this.#log.read(topic, partition, { from, bytesMax: LOG.readBytes });
  }

  /** A feed for a subscription or a membership, which follows nothing yet. */
  follow(options: FollowOptions, sink: Sink): Feed {
    const { subscription, credit, onSlow, keys, topic, ended, format } = options;
    return this.#hub.open({
      subscription,
      ...(credit ? { credit } : {}),
      ...(onSlow ? { onSlow } : {}),
      ...(keys ? { keys: new Set(keys.map(keyToken)) } : {}),
      ...(topic ? { topic } : {}),
      ...(ended ? { ended } : {}),
      ...(format ? { format } : {}),
    }, sink);
  }

  /**
   * Where a subscription begins to read. Lookups in the store are done when this resolves; the
   * function that it resolves to returns the positions at the moment of its call.
   */
  async placesToRead(topic: Topic, request: ReadingRequest): Promise<() => ReadingPlace[]> {
    // In a topic that was deleted and created again, a key may have another partition.
    const isAnew = request.keys !== undefined && isOfAnother(topic, request);
    const asked = isAnew ? { ...request, from: "earliest" as const } : request;
    const { from = "latest" } = asked;
    const partitions = partitionsToRead(topic, asked);
    await this.#log.catchUp(topic);
    if (typeof from === "object" && "timestamp" in from) {
      const places = await Promise.all(partitions.map(async (partition) => ({
        partition,
        offset: await this.#log.offsetAt(topic, partition, from.timestamp),
      })));
      return () => places;
    }
    if (typeof from === "string") {
      const reset = isAnew ? { reset: "incarnation" as const } : {};
      return () =>
        partitions.map((partition) => {
          const { start, next } = this.#boundsNow(topic, partition);
          return { partition, offset: from === "earliest" ? start : next, ...reset };
        });
    }
    const isSame = !isOfAnother(topic, request);
    return () =>
      from.positions.map(({ partition, offset }) => {
        const bounds = this.#boundsNow(topic, partition);
        return resume(partition, offset, bounds, isSame);
      });
  }

  /** Reserves room for a `join`; returns what releases it. `overloaded` if the group is full. */
  arrive(group: string, instance: string | undefined): () => void {
    return this.#groups.arrive(group, instance);
  }

  join(spec: JoinSpec, port: MemberPort): Promise<Membership> {
    return this.#groups.join(spec, port);
  }

  groupNames(): Promise<string[]> {
    return this.#groups.names();
  }

  /** Instances have the names that their subjects gave them. */
  async describeGroup(name: string): Promise<GroupDescription> {
    const { members, ...group } = await this.#groups.describe(name);
    return { ...group, members: members.map(asNamed) };
  }

  removeGroup(name: string): Promise<void> {
    return this.#groups.remove(name);
  }

  /** Sets committed offsets of a group without live members. */
  resetGroup(name: string, target: ResetTarget): Promise<TopicPartitionOffset[]> {
    return this.#groups.reset(name, target);
  }

  #boundsNow(topic: Topic, partition: number): Bounds {
    const bounds = this.#log.known(topic, partition);
    if (bounds) return bounds;
    throw new GatewayError("unknown_topic", `Topic ${topic.name} was deleted`);
  }
}

function asNamed(member: GroupDescription["members"][number]): typeof member {
  if (member.instance === undefined) return member;
  const { subject, name } = readScopedName(member.instance);
  return { ...member, instance: name, ...subject === undefined ? {} : { subject } };
}

/** Whether its positions are in an earlier topic of this name. */
function isOfAnother(topic: Topic, { from }: ReadingRequest): boolean {
  return typeof from === "object" && "positions" in from && from.incarnation !== topic.id;
}

/** The partitions that a subscription reads, in order. */
function partitionsToRead(
  topic: Topic,
  { partitions, keys, from }: ReadingRequest,
): number[] {
  const named = typeof from === "object" && "positions" in from
    ? from.positions.map(({ partition }) => partition)
    : partitions;
  for (const partition of named ?? []) requirePartition(topic, partition);
  const all = named ?? Array.from({ length: topic.partitions }, (_, partition) => partition);
  if (!keys) return [...all];
  const ofKeys = new Set(keys.map((key) => partitionOf(key, topic.partitions)));
  return all.filter((partition) => ofKeys.has(partition));
}

function resume(
  partition: number,
  offset: Offset,
  { start, next }: Bounds,
  isSame: boolean,
): ReadingPlace {
  if (!isSame) return { partition, offset: start, reset: "incarnation" };
  if (offset < start) return { partition, offset: start, reset: "trimmed" };
  if (offset > next) return { partition, offset: next, reset: "beyond_end" };
  return { partition, offset };
}
