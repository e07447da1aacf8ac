/** Operators' requests on groups: reads from the store, and writes under a check of the root. */

import { GatewayError } from "../errors.ts";
import { newId } from "../host/host.ts";
import type { Log } from "../log/log.ts";
import { requirePartition, unknownTopic } from "../log/topics.ts";
import { keys } from "../store/keys.ts";
import { scanAll } from "../store/scan_all.ts";
import type { Mutation } from "../store/store.ts";
import { transact } from "../store/transact.ts";
import type { Offset, Topic, TopicPartition, TopicPartitionOffset } from "../types.ts";
import type { GroupContext } from "./group.ts";
import { offsetsAtOnce } from "./group_keys.ts";
import { deleteGroup, type LoadedGroup, loadGroup, replaceGroup } from "./group_store.ts";
import { encodeCommitted, newStamp, scanCommitted } from "./offsets.ts";
import type { GroupState } from "./state.ts";

export interface GroupDescription {
  readonly group: string;
  readonly epoch: number;
  readonly members: readonly {
    readonly member: string;
    readonly instance?: string;
    /** The subject whose instance it is, where members authenticate. */
    readonly subject?: string;
    readonly topics: readonly string[];
    readonly partitions: readonly TopicPartition[];
  }[];
  readonly offsets: readonly (TopicPartitionOffset & {
    readonly metadata?: string;
    readonly end: Offset;
    readonly lag: number;
  })[];
}

export type ResetTarget =
  | { readonly offsets: readonly TopicPartitionOffset[] }
  | { readonly topics: readonly string[]; readonly to: TimeTarget };

type TimeTarget = "earliest" | "latest" | { readonly timestamp: number };

interface Place {
  readonly topic: Topic;
  readonly partition: number;
  readonly offset: Offset;
}

export class GroupAdmin {
  readonly #context: GroupContext;
  readonly #log: Log;

  constructor(context: GroupContext & { readonly log: Log }) {
    this.#context = context;
    this.#log = context.log;
  }

  async names(): Promise<string[]> {
    const names: string[] = [];
    for await (const { key } of scanAll(this.#context.store, keys.groups())) {
      if (key.length === 2) names.push(String(key[1]));
    }
    return names;
  }

  async describe(group: string): Promise<GroupDescription> {
    const { state } = await this.#require(group);
    const topics = new Map((await this.#log.topics.list()).map((topic) => [topic.id, topic]));
    const offsets: GroupDescription["offsets"][number][] = [];
    const ends = new Map<string, readonly Offset[]>();
    for (const found of await scanCommitted(this.#context.store, keys.offsetsOf(group))) {
      const { topicId, partition, committed } = found;
      const topic = topics.get(topicId);
      if (!topic) continue;
      if (!ends.has(topicId)) ends.set(topicId, await this.#log.ends(topic));
      const end = ends.get(topicId)?.[partition];
      if (end === undefined) continue; // the topic was deleted meanwhile
      const lag = Math.max(0, end - committed.offset);
      offsets.push({ topic: topic.name, partition, ...committed, end, lag });
    }
    return { group, epoch: state.epoch, members: membersOf(state), offsets };
  }

  /** Deletes the group with its last offsets; what one write does not take goes before. */
  async remove(group: string): Promise<void> {
    const { store, host } = this.#context;
    const most = offsetsAtOnce(group);
    // Once a deletion was sent, a group that is not there may have been deleted by it.
    const attempt = new Attempt();
    for (let goesOn = true; goesOn;) {
      goesOn = await attempt.settle(transact(store, host, {
        load: async () => {
          const loaded = await (attempt.sent ? loadGroup(store, group) : this.#require(group));
          return { ...loaded, offsets: await this.#offsets(group) };
        },
        decide: (loaded) => {
          requireNoMembers(group, loaded);
          attempt.sent = true;
          const isLast = loaded.offsets.length <= most;
          const root = isLast && loaded.root ? deleteGroup(group, loaded) : [];
          return { mutations: [...loaded.offsets.slice(0, most), ...root], result: !isLast };
        },
      }));
    }
  }

  async reset(group: string, target: ResetTarget): Promise<TopicPartitionOffset[]> {
    const places = "offsets" in target
      ? await this.#given(target.offsets)
      : await this.#everywhere(target.topics, target.to);
    const most = offsetsAtOnce(group);
    const attempt = new Attempt();
    for (let at = 0; at === 0 || at < places.length; at += most) {
      await attempt.settle(this.#set(group, places.slice(at, at + most), attempt));
    }
    return places.map(({ topic, partition, offset }) => ({ topic: topic.name, partition, offset }));
  }

  async #require(group: string): Promise<LoadedGroup> {
    const loaded = await loadGroup(this.#context.store, group);
    if (loaded.root) return loaded;
    throw new GatewayError("unknown_group", `There is no group ${group}`);
  }

  async #set(group: string, places: readonly Place[], attempt: Attempt): Promise<void> {
    const { store, host } = this.#context;
    const stamp = newId(host);
    await transact(store, host, {
      load: () => loadGroup(store, group),
      decide: (loaded) => {
        requireNoMembers(group, loaded);
        attempt.sent = true;
        const state = { ...loaded.state, epoch: loaded.state.epoch + 1 };
        const { mutations, evidence } = replaceGroup(group, loaded, state, stamp);
        for (const { topic, partition, offset } of places) {
          const value = encodeCommitted(newStamp(host.random), { offset });
          mutations.push({ type: "set", key: keys.offset(group, topic.id, partition), value });
        }
        return { mutations, evidence, result: undefined };
      },
    });
  }

  async #given(offsets: readonly TopicPartitionOffset[]): Promise<Place[]> {
    return await Promise.all(offsets.map(async ({ topic: name, partition, offset }) => {
      const topic = await this.#topic(name, partition);
      const { start, next } = await this.#log.bounds(topic, partition);
      if (offset <= next) return { topic, partition, offset: Math.max(start, offset) };
      throw new GatewayError(
        "offset_out_of_range",
        `Cannot reset ${name}/${partition} to ${offset}: the log ends at ${next}`,
        { start, next },
      );
    }));
  }

  async #everywhere(names: readonly string[], to: TimeTarget): Promise<Place[]> {
    const places: Place[] = [];
    for (const name of names) {
      const topic = await this.#topic(name, 0);
      const partitions = Array.from({ length: topic.partitions }, (_, partition) => partition);
      // All at once, so that they share one look at what other gateways have appended.
      places.push(
        ...await Promise.all(partitions.map((partition) => this.#place(topic, partition, to))),
      );
    }
    return places;
  }

  async #place(topic: Topic, partition: number, to: TimeTarget): Promise<Place> {
    if (typeof to === "object") {
      const offset = await this.#log.offsetAt(topic, partition, to.timestamp);
      return { topic, partition, offset };
    }
    const { start, next } = await this.#log.bounds(topic, partition);
    return { topic, partition, offset: to === "earliest" ? start : next };
  }

  async #topic(name: string, partition: number): Promise<Topic> {
    const topic = await this.#log.topics.find(name);
    if (!topic) throw unknownTopic(name);
    requirePartition(topic, partition);
    return topic;
  }

  /** The mutations that delete a group's offsets. */
  async #offsets(group: string): Promise<Mutation[]> {
    const doomed: Mutation[] = [];
    for await (const { key } of scanAll(this.#context.store, keys.offsetsOf(group))) {
      doomed.push({ type: "delete", key });
    }
    return doomed;
  }
}

/**
 * An attempt to change a group, in one write or several. Once one was sent, an error no longer
 * means that nothing happened: its effect is unknown.
 */
class Attempt {
  sent = false;

  async settle<T>(write: Promise<T>): Promise<T> {
    try {
      return await write;
    } catch (error) {
      if (!this.sent || !(error instanceof GatewayError)) throw error;
      throw new GatewayError(error.code, error.message, { ...error.detail, effect: "unknown" });
    }
  }
}

function requireNoMembers(group: string, { state }: LoadedGroup): void {
  if (state.members.size === 0) return;
  throw new GatewayError("group_active", `Group ${group} has ${state.members.size} live members`);
}

function membersOf({ members, topics }: GroupState): GroupDescription["members"] {
  return [...members.values()].map(({ id, instance, topics: wanted }) => ({
    member: id,
    ...(instance === undefined ? {} : { instance }),
    topics: wanted.flatMap((topicId) => topics.get(topicId)?.topic.name ?? []),
    partitions: [...topics.values()].flatMap(({ topic, owners }) =>
      owners.flatMap((owner, partition) => owner === id ? [{ topic: topic.name, partition }] : [])
    ),
  }));
}
