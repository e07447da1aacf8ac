/**
 * A local member of a group: what it owns, as far as it was told, and its fence. The fence is a key
 * that changes with each commit of the member, and whenever a partition is taken from it; a commit
 * is conditional on its version. So a commit that was given up can never be stored after a later
 * one, or after its partition was lost.
 */

import { GatewayError } from "../errors.ts";
import type { Rider } from "../log/append.ts";
import type { Offset, Topic } from "../types.ts";
import type { CommitResult, Committer, OffsetToCommit } from "./committer.ts";
import type { Group } from "./group.ts";
import type { GroupPartition, MemberPort } from "./member_port.ts";
import type { Committed } from "./offsets.ts";
import type { Member } from "./state.ts";
import type { Change } from "./telling.ts";

/** A partition, from its assignment to the member until it is taken away. */
export interface Owned {
  readonly topic: Topic;
  /** Where the log ended at the assignment: others may have appended more than is known here. */
  readonly end: Offset;
  revoking: boolean;
  committed: Committed | undefined;
}

export class Membership {
  readonly group: Group;
  readonly connection: string;
  readonly #port: MemberPort;
  readonly #committer: Committer;
  /** By topic's name and partition. */
  readonly #owned = new Map<string, Owned>();
  #member = "";
  #epoch = 0;
  #told = false;
  #over = false;
  /** The version of its fence as last seen; null if it was deleted, undefined at first. */
  #fence: string | null | undefined;

  constructor(group: Group, connection: string, port: MemberPort, committer: Committer) {
    this.group = group;
    this.connection = connection;
    this.#port = port;
    this.#committer = committer;
  }

  get member(): string {
    return this.#member;
  }

  get epoch(): number {
    return this.#epoch;
  }

  /** Whether it was told that it is a member. */
  get isTold(): boolean {
    return this.#told;
  }

  /** Whether it is over, or its socket is closed. */
  get isGone(): boolean {
    return this.#over || this.#port.isGone;
  }

  get fence(): string | null {
    return this.#fence ?? null;
  }

  /** Whether the version of its fence is known. */
  get knowsFence(): boolean {
    return this.#fence !== undefined;
  }

  /** How many partitions it owns, including those that are being revoked. */
  get owns(): number {
    return this.#owned.size;
  }

  /** Versions only rise: a late result does not replace a newer one. */
  fencedAt(version: string): void {
    if (!this.#fence || version > this.#fence) this.#fence = version;
  }

  fenceGone(): void {
    this.#fence = null;
  }

  tell(member: Member, epoch: number, { assigned, revoked, lost }: Change): void {
    const first = !this.#told;
    this.#told = true;
    this.#member = member.id;
    this.#epoch = epoch;
    const gone = lost.filter(({ topic, partition }) =>
      this.#owned.delete(nameOf(topic.name, partition))
    );
    for (const { topic, partition, end, ...committed } of assigned) {
      const owned = { topic, end, revoking: false, committed };
      this.#owned.set(nameOf(topic.name, partition), owned);
    }
    for (const { topic, partition } of revoked) {
      const owned = this.#owned.get(nameOf(topic.name, partition));
      if (owned) owned.revoking = true;
    }
    if (gone.length > 0) this.#port.lost(epoch, gone);
    if (first || assigned.length > 0) this.#port.assign(epoch, assigned);
    if (revoked.length > 0) this.#port.revoke(epoch, revoked, member.revokeTimeoutMs);
  }

  end(error: GatewayError): void {
    this.#finish();
    this.#port.end(error);
  }

  /** Commits; `done` is called once, in the order of the calls. */
  commit(offsets: readonly OffsetToCommit[], done: (result: CommitResult) => void): void {
    this.#committer.enqueue(this, offsets, done);
  }

  /**
   * The commit as part of a transaction's write. `held`: the holdings when the transaction came.
   * Throws if it may not be made.
   */
  board(offsets: readonly OffsetToCommit[], held: readonly unknown[]): Rider {
    return this.#committer.board(this, offsets, held);
  }

  /** Releases partitions that are being revoked; others are ignored. */
  release(partitions: readonly { readonly topic: string; readonly partition: number }[]): void {
    const released = partitions.flatMap(({ topic, partition }) => {
      const name = nameOf(topic, partition);
      const owned = this.#owned.get(name);
      if (!owned?.revoking) return [];
      this.#owned.delete(name);
      return [{ topicId: owned.topic.id, partition }];
    });
    if (released.length === 0) return;
    const { connection } = this;
    this.group.command({ type: "release", connection, partitions: released }).catch(() => {
      // What could not be released is taken at its deadline.
    });
  }

  async leave(): Promise<void> {
    this.#finish();
    try {
      await this.group.command({ type: "leave", connection: this.connection });
    } catch (error) {
      this.#retire();
      throw error;
    }
  }

  /** Its socket is gone. */
  disconnected(): void {
    if (this.#over) return;
    this.#finish();
    this.#retire();
  }

  /** This gateway no longer knows what it owns. */
  suspend(): void {
    if (this.#over) return;
    const why = "The gateway has lost the store: join again";
    this.#port.end(new GatewayError("unavailable", why, { retry: "rejoin" }));
    this.disconnected();
  }

  /** Throws `fenced` if it may commit nothing any more. */
  requireLive(): void {
    if (this.#over || this.#fence === null) {
      throw new GatewayError("fenced", "The membership is over");
    }
  }

  /** Its ownership of a partition; throws `not_owner` or `fenced`. */
  owned(topic: string, partition: number): Owned {
    this.requireLive();
    const owned = this.#owned.get(nameOf(topic, partition));
    if (owned) return owned;
    throw new GatewayError(
      "not_owner",
      `Cannot commit ${topic}/${partition}: it is not assigned to this member`,
    );
  }

  /** Its ownership of each, as an object that is new each time the partition is assigned to it. */
  holdings(offsets: readonly { topic: string; partition: number }[]): readonly unknown[] {
    return offsets.map(({ topic, partition }) => this.#owned.get(nameOf(topic, partition)));
  }

  partitions(): GroupPartition[] {
    return [...this.#owned].map(([name, { topic }]) => ({
      topic,
      partition: Number(name.slice(name.lastIndexOf("/") + 1)),
    }));
  }

  #finish(): void {
    this.#over = true;
    this.#owned.clear();
    this.group.members.delete(this.connection);
  }

  /** Repeats the disconnect until it is stored: nobody else would report it. */
  #retire(): void {
    const { connection } = this;
    this.group.command({ type: "disconnect", connection }).catch(() => this.#retire());
  }
}

function nameOf(topic: string, partition: number): string {
  return `${topic}/${partition}`;
}
