/**
 * All groups at this gateway: joins, and operators' requests over HTTP. A group is in memory while
 * it has local members, or waits for one.
 */

import { GatewayError } from "../errors.ts";
import { newId } from "../host/host.ts";
import { PEERS, STORE } from "../limits.ts";
import type { Log } from "../log/log.ts";
import { isUnknownTopic } from "../log/topics.ts";
import { keys } from "../store/keys.ts";
import type { Topic, TopicPartitionOffset } from "../types.ts";
import { Committer } from "./committer.ts";
import { Group, type GroupContext } from "./group.ts";
import { GroupAdmin, type GroupDescription, type ResetTarget } from "./group_admin.ts";
import type { MemberPort } from "./member_port.ts";
import { Membership } from "./membership.ts";
import { holderOf, type Member } from "./state.ts";
import { takenOver } from "./takeover.ts";

/** As the frame `join` has it. */
export interface JoinSpec {
  readonly group: string;
  readonly topics: readonly string[];
  readonly instance?: string;
  /** The client, and the number of its attempt: see `takeover.ts`. */
  readonly client?: string;
  readonly attempt?: number;
  readonly from?: "earliest" | "latest";
  readonly sessionTimeoutMs?: number;
  readonly revokeTimeoutMs?: number;
}

export interface GroupsOptions extends Omit<GroupContext, "log"> {
  readonly log: Log;
  readonly sessionTimeoutMs: number;
}

export class Groups {
  readonly #options: GroupsOptions;
  readonly #committer: Committer;
  readonly #groups = new Map<string, Group>();
  readonly #admin: GroupAdmin;
  #lookAt = 0;

  constructor(options: GroupsOptions) {
    this.#options = options;
    const { store, host, log } = options;
    this.#committer = new Committer(store, host, log, () => log.journal.wake());
    this.#admin = new GroupAdmin(options);
    log.journal.add(this.#committer);
    log.topics.onRemoved((topic) => this.#topicRemoved(topic.id));
  }

  /** Loads the groups after a restart, which has ended the connections of their members. */
  async takeUp(): Promise<void> {
    for (const name of await this.#admin.names()) {
      const group = this.#group(name);
      group.wake();
      await group.idle();
    }
    this.#dropIdle();
  }

  /** Reserves room for a `join`; returns what releases it. `overloaded` if the group is full. */
  arrive(group: string, instance: string | undefined): () => void {
    return this.#group(group).arrive(instance);
  }

  async join(spec: JoinSpec, port: MemberPort): Promise<Membership> {
    const { host, gateway } = this.#options;
    const topics = await this.#topicsToRead(spec.topics);
    const connection = newId(host);
    const { sessionTimeoutMs = this.#options.sessionTimeoutMs } = spec;
    const { instance, client, attempt, from = "earliest" } = spec;
    const { revokeTimeoutMs = sessionTimeoutMs } = spec;
    const member: Member = {
      id: newId(host),
      connection,
      gateway,
      ...(instance === undefined ? {} : { instance }),
      ...(client === undefined ? {} : { client }),
      ...(attempt === undefined ? {} : { attempt }),
      topics: topics.map(({ id }) => id),
      from,
      sessionTimeoutMs,
      revokeTimeoutMs,
      away: false,
      draining: false,
    };
    const group = this.#group(spec.group);
    const membership = new Membership(group, connection, port, this.#committer);
    group.members.set(connection, membership);
    try {
      await group.command({ type: "join", member, topics });
      if (!membership.isTold && !membership.isGone) throw overAlready(group, instance);
    } catch (error) {
      membership.disconnected(); // the join may be stored all the same
      throw error;
    }
    return membership;
  }

  /** Its members are told now; its committed offsets are deleted with it later. */
  #topicRemoved(topicId: string): void {
    for (const group of this.#groups.values()) {
      // A transition in progress may have read its topics before that.
      if (group.version !== undefined && !group.state.topics.has(topicId)) continue;
      group.command({ type: "topicRemoved", topicId }).catch(() => group.forget());
    }
  }

  tick(now: number): void {
    this.#committer.tick(now);
    for (const group of this.#groups.values()) group.tick(now);
    this.#dropIdle();
    if (!this.#options.store.shared || now < this.#lookAt) return;
    this.#lookAt = now + PEERS.groupsMs;
    this.#look().catch(() => {}); // the store cannot be read: later
  }

  /** These groups were changed at other gateways; without names: any of them may have been. */
  reload(names?: readonly string[]): void {
    for (const name of names ?? this.#groups.keys()) {
      this.#groups.get(name)?.reload().catch(() => {}); // the group itself tries again
    }
  }

  /** A gateway is dead: its members have lost their connections. */
  gatewayDied(gateway: string): void {
    for (const group of this.#groups.values()) {
      // A group that is being read may turn out to have members there.
      if (group.version === undefined || group.gateways.has(gateway)) group.lookAgain();
    }
  }

  /** This gateway no longer knows what its members own: they must join again. */
  suspend(): void {
    for (const group of this.#groups.values()) {
      for (const membership of [...group.members.values()]) membership.suspend();
    }
  }

  /**
   * Rereads groups that have changed: news may have been missed, and a gateway that took the
   * members here for gone may have died before it told. So it looks at those without others, too.
   */
  async #look(): Promise<void> {
    const known = [...this.#groups.values()].filter(({ version }) => version !== undefined);
    for (let at = 0; at < known.length; at += STORE.readKeys) {
      const some = known.slice(at, at + STORE.readKeys);
      const seen = some.map(({ version }) => version);
      const roots = await this.#options.store.read(some.map(({ name }) => keys.group(name)));
      for (const [i, group] of some.entries()) {
        if (group.version !== seen[i] || roots[i]?.version === seen[i]) continue;
        this.reload([group.name]);
      }
    }
  }

  /** Tells members without an instance name to give up their partitions; resolves when stored. */
  async drain(): Promise<void> {
    const draining: Promise<void>[] = [];
    for (const group of this.#groups.values()) {
      for (const { connection, member } of group.members.values()) {
        if (group.state.members.get(member)?.instance !== undefined) continue;
        draining.push(group.command({ type: "drain", connection }));
      }
    }
    await Promise.allSettled(draining);
  }

  /** Whether members that are draining still own partitions. */
  get isReleasing(): boolean {
    for (const group of this.#groups.values()) {
      for (const { member, owns } of group.members.values()) {
        if (owns > 0 && group.state.members.get(member)?.draining) return true;
      }
    }
    return false;
  }

  /** Resolves when no group has anything to write. */
  async idle(): Promise<void> {
    for (const group of this.#groups.values()) await group.idle();
  }

  names(): Promise<string[]> {
    return this.#admin.names();
  }

  /** `unknown_group` if nobody ever joined it and nothing was committed. */
  async describe(name: string): Promise<GroupDescription> {
    await this.#noticeDeadGateways(name).catch(() => {}); // what can be read is returned all the same
    return await this.#admin.describe(name);
  }

  /** Deletes the group and its offsets; `group_active` while it has live members. */
  async remove(name: string): Promise<void> {
    await this.#noticeDeadGateways(name);
    await this.#admin.remove(name);
    this.#groups.get(name)?.forget();
  }

  /** Sets committed offsets, in a new group if needed; `group_active` while members are live. */
  async reset(name: string, target: ResetTarget): Promise<TopicPartitionOffset[]> {
    await this.#noticeDeadGateways(name);
    const offsets = await this.#admin.reset(name, target);
    this.#groups.get(name)?.forget();
    return offsets;
  }

  /** Removes members of dead gateways, which no transition may have done yet. */
  async #noticeDeadGateways(name: string): Promise<void> {
    if (this.#options.store.shared) await this.#group(name).reload();
  }

  /** The topics, created if they may be, and loaded; `again`, if one is deleted in between. */
  async #topicsToRead(names: readonly string[], again = true): Promise<Topic[]> {
    const { log } = this.#options;
    // From the store: nothing would ever be assigned of a cached topic that was deleted meanwhile.
    const topics = await Promise.all(
      names.map(async (name) => await log.topics.find(name) ?? await log.topics.ensure(name)),
    );
    try {
      await Promise.all(topics.map((topic) => log.open(topic)));
      return topics;
    } catch (error) {
      if (!isUnknownTopic(error) || !again) throw error;
      return await this.#topicsToRead(names, false);
    }
  }

  #group(name: string): Group {
    let group = this.#groups.get(name);
    if (!group) this.#groups.set(name, group = new Group(name, this.#options));
    return group;
  }

  #dropIdle(): void {
    for (const [name, group] of this.#groups) if (group.isIdle) this.#groups.delete(name);
  }
}

/** The member was taken over, or removed elsewhere, before its join was known here. */
function overAlready(group: Group, instance: string | undefined): GatewayError {
  if (holderOf(instance, group.state)) return takenOver();
  return new GatewayError(
    "unavailable",
    "The membership was over before it was heard of: join again",
  );
}
