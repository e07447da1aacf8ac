/**
 * A membership in a consumer group that outlives connections: joins and rejoins, tracks what it
 * owns and how far it is, and gives up what is revoked. The loop over the records is in
 * `consumer.ts`; it reports here what it processes.
 */

import type {
  AssignPush,
  EndPush,
  ErrorFrame,
  GapPush,
  Head,
  JoinOk,
  OkFrame,
  RecordsPush,
  RevokePush,
  SubscriptionPush,
  TopicPartition,
  TopicPartitionOffset,
} from "../protocol/gateway_frames.ts";
import { arrived, costOf, skipped } from "./batch.ts";
import { Claim } from "./claim.ts";
import { Commits, nameOf, type OffsetToCommit } from "./commits.ts";
import type { Connection, Receiver, Resident } from "./connection.ts";
import { closedError, errorOf, isPassing, notOwner, type WeirError } from "./errors.ts";
import type { Capacity } from "./flow.ts";
import { type Begun, type Hand, Hands } from "./hands.ts";
import { Intake } from "./intake.ts";
import { type Owned, Ownership, place } from "./ownership.ts";

/** The members of a `join` frame, except the credit. */
export interface JoinFields {
  readonly group: string;
  readonly topics: readonly string[];
  readonly instance: string | undefined;
  /** Tells its own joins, which are numbered, from those of others with the same instance. */
  readonly client: string | undefined;
  readonly from: "earliest" | "latest" | undefined;
  readonly sessionTimeoutMs: number | undefined;
  readonly revokeTimeoutMs: number | undefined;
}

/** What the consumer is told. */
export interface MembershipPort {
  /** Partitions are revoked, and given up when it resolves; or they are `lost` already. */
  revoked(partitions: readonly TopicPartition[], lost: boolean): Promise<void>;
  /** The membership has ended. */
  ended(error: unknown): void;
}

export interface MembershipOptions {
  readonly join: JoinFields;
  readonly capacity: Partial<Capacity> | undefined;
  /** Milliseconds after which processed records are committed; undefined: only on request. */
  readonly autoCommitMs: number | undefined;
}

const RETRY_MS = 200;

export class Membership<Value> implements Resident, Receiver {
  readonly intake: Intake<Value, Begun>;
  readonly ownership = new Ownership();
  readonly hands: Hands<Value>;
  readonly #connection: Connection;
  readonly #options: MembershipOptions;
  readonly #port: MembershipPort;
  readonly #commits: Commits;
  #member: string | undefined;
  /** Counts connections and joins, to tell what belongs to an old one. */
  #session = 0;
  #attempts = 0;
  #cancelCommit: (() => void) | undefined;
  /** For requests that wait for an answer or a retry: what to call if the connection is lost. */
  readonly #onLost = new Set<() => void>();
  readonly #onSettled: (() => void)[] = [];
  /** The join in progress; resolves to its subscription number, if it gets one. */
  #joining: Promise<number | undefined> | undefined;

  constructor(connection: Connection, options: MembershipOptions, port: MembershipPort) {
    this.#connection = connection;
    this.#options = options;
    this.#port = port;
    this.intake = new Intake(connection, options.capacity);
    this.hands = new Hands(this.ownership, this.intake);
    this.#commits = new Commits({
      send: (offsets, onReply) => {
        const subscription = this.intake.number;
        connection.request("commit", { subscription, offsets }, onReply);
      },
      ownership: (name) => this.ownership.named(name),
      committed: (at) => this.ownership.committed(at),
      later: () => connection.later(RETRY_MS, () => this.isJoined && this.#commits.flush()),
    });
  }

  /** Whether partitions are being revoked. */
  get isBusy(): boolean {
    return this.ownership.all.some(({ revoking }) => revoking);
  }

  /** Whether it has joined and knows what it owns. */
  get isJoined(): boolean {
    return this.intake.number !== undefined && this.ownership.isSure;
  }

  /** The loop has processed the records before this offset. */
  dealt(hand: Hand<Value>, offset: number): void {
    const { autoCommitMs } = this.#options;
    if (!this.hands.dealt(hand, offset) || autoCommitMs === undefined) return;
    this.#cancelCommit ??= this.#connection.platform.after(autoCommitMs, () => {
      this.#cancelCommit = undefined;
      this.#commitDone();
    });
  }

  /** Offsets of a partition were skipped for good. */
  skipped(at: TopicPartition, to: number): void {
    const owned = this.ownership.find(at);
    if (owned) owned.done = Math.max(owned.done, to);
  }

  /** Commits these offsets, or those of all that the loop was given. */
  commit(offsets: readonly OffsetToCommit[] = this.hands.given()): Promise<void> {
    for (const at of offsets) this.ownership.asked(at);
    const committed = this.#commits.add(offsets);
    if (this.isJoined) this.#commits.flush();
    return committed;
  }

  /** Seeks once it has joined, unless one of the partitions was lost by then. */
  seek(partitions: readonly TopicPartitionOffset[]): Promise<void> {
    const owned = partitions.map((at) => this.ownership.find(at));
    return new Promise((resolve, reject) => {
      const whenJoined = () => {
        if (this.intake.inbox.hasEnded) return reject(closedError("consumer"));
        if (!this.ownership.holds(owned)) return reject(notOwner("seek"));
        this.#ask("seek", { subscription: this.intake.number, partitions }, (reply) => {
          if (!reply) return again();
          if (reply.type === "error") {
            if (!isPassing(reply)) return reject(errorOf(reply));
            this.#onLost.add(again);
            return this.#connection.later(reply.retryAfterMs ?? RETRY_MS, again);
          }
          for (const at of partitions) this.#sought(at);
          resolve();
        });
      };
      const again = () => {
        this.#onLost.delete(again);
        this.whenSettled(whenJoined);
      };
      again();
    });
  }

  /**
   * Commits what was processed and leaves the group. Waits for a join in progress first, or else
   * the group would wait for the instance. Resolves when that is done or impossible.
   */
  async leave(): Promise<void> {
    this.#cancelCommit?.();
    const subscription = this.intake.number ?? await this.#joining;
    if (subscription === undefined) return;
    if (this.ownership.isSure) this.#commitDone();
    await new Promise<void>((resolve) => this.#ask("leave", { subscription }, () => resolve()));
  }

  /** Ends the membership: refuses what is open. */
  end(): void {
    this.#cancelCommit?.();
    this.#connection.remove(this);
    this.lost();
    this.#commits.end(closedError("consumer"));
    this.ownership.takeAll();
    this.#settled();
  }

  /** Whether it is known what the member owns, or the membership has ended. */
  get isSettled(): boolean {
    return this.isJoined || this.intake.inbox.hasEnded;
  }

  /** Calls `run` once, when it is settled. */
  whenSettled(run: () => void): void {
    if (this.isSettled) run();
    else this.#onSettled.push(run);
  }

  /** The commit of a transaction, for partitions as they are owned now. */
  claim(offsets: readonly OffsetToCommit[]): Claim {
    return new Claim(this, offsets);
  }

  /** A transaction has committed these offsets. */
  transacted(offsets: readonly OffsetToCommit[]): void {
    for (const at of offsets) {
      this.ownership.asked(at);
      this.ownership.committed(at);
      this.#commits.reached(nameOf(at), at.offset);
    }
  }

  opened(): void {
    this.#join();
  }

  lost(): void {
    this.#session++;
    this.intake.detach();
    this.ownership.doubt();
    this.intake.inbox.pause();
    this.#commits.lost();
    for (const lost of this.#onLost) lost();
    this.#onLost.clear();
  }

  stopped(error: WeirError): void {
    this.#port.ended(error.code === "closed" ? undefined : error);
  }

  unloading(): void {
    this.leave();
  }

  pushed(frame: SubscriptionPush): void {
    switch (frame.type) {
      case "records":
      case "gap":
        return this.#received(frame);
      case "assign":
        return this.#assigned(frame);
      case "revoke":
        return this.#revoked(frame);
      case "end":
        return this.#ended(frame);
    }
  }

  heads(heads: readonly Head[]): void {
    for (const head of heads) {
      const owned = this.ownership.find(head);
      if (owned) owned.end = head.end;
    }
  }

  #join(): void {
    if (this.intake.inbox.hasEnded) return;
    const { join } = this.#options;
    const attempt = join.client === undefined ? undefined : ++this.#attempts;
    const members = { ...join, attempt, credit: this.intake.credit() };
    this.#session++;
    this.#joining = new Promise((resolve) => {
      this.#ask("join", members, (reply) => {
        this.#joining = undefined;
        resolve((reply as JoinOk | undefined)?.subscription);
        if (!reply || this.intake.inbox.hasEnded) return; // `leave` continues.
        if (reply.type === "ok") this.#joined(reply);
        else this.#refused(reply);
      });
    });
  }

  /** Sends a request, and calls `onReply` once: without a reply if the connection is lost first. */
  #ask(type: string, members: object, onReply: (reply?: OkFrame | ErrorFrame) => void): void {
    const lost = () => onReply();
    this.#onLost.add(lost);
    this.#connection.request(type, members, (reply) => {
      this.#onLost.delete(lost);
      onReply(reply);
    });
  }

  #joined(reply: OkFrame): void {
    const { subscription, member } = reply as JoinOk;
    this.intake.attach(subscription, this);
    // As a new member it has lost everything that it owned.
    if (member !== this.#member) this.#gone(this.ownership.takeAll());
    this.#member = member;
  }

  #refused(reply: ErrorFrame): void {
    const error = errorOf(reply);
    if (error.retry === "never") return this.#port.ended(error);
    this.#connection.later(reply.retryAfterMs ?? RETRY_MS, () => this.#join());
  }

  #received(frame: RecordsPush | GapPush): void {
    const owned = this.ownership.find(frame);
    if (!owned || owned.rewinding) {
      if (frame.type === "records") this.intake.passOver(costOf(frame));
      return;
    }
    if (frame.type === "gap") {
      owned.next = Math.max(owned.next, frame.to);
      return this.intake.put(skipped(frame));
    }
    // Records that were received before the connection was lost are sent again, and dropped.
    this.intake.put(arrived(frame, owned.next));
    owned.next = Math.max(owned.next, frame.next);
    owned.end = Math.max(owned.end, frame.next);
  }

  #assigned(frame: AssignPush): void {
    const { begun, ahead, lost } = this.ownership.assign(frame);
    this.#gone(lost);
    if (begun.length > 0) this.intake.put({ kind: "begun", partitions: begun });
    if (ahead.length > 0) this.#seekBack(ahead);
    this.intake.inbox.resume();
    this.#commits.flush();
    this.#settled();
  }

  #revoked({ partitions, lost }: RevokePush): void {
    if (lost) return this.#gone(this.ownership.take(partitions));
    const going = partitions.flatMap((at) => this.ownership.find(at) ?? []);
    for (const owned of going) {
      owned.revoking = true;
      this.intake.drop(owned);
    }
    const inHand = going.filter((owned) => owned === this.hands.owned);
    this.#giveUp(going.filter((owned) => !inHand.includes(owned)));
    if (inHand.length > 0) this.hands.whenPutDown(() => this.#giveUp(inHand));
  }

  /** Commits, then releases: the gateway does both in this order. */
  async #giveUp(going: readonly Owned[]): Promise<void> {
    const session = this.#session;
    // If it was lost or assigned again meanwhile, there is nothing to give up.
    const isGoing = (owned: Owned) => this.ownership.find(owned) === owned && owned.revoking;
    const told = going.filter(isGoing);
    if (told.length === 0) return;
    await this.#port.revoked(told.map(place), false);
    if (session !== this.#session || !this.isJoined) return;
    const still = told.filter(isGoing);
    this.#commitDone();
    this.ownership.take(still);
    const members = { subscription: this.intake.number, partitions: still.map(place) };
    this.#connection.push(JSON.stringify({ type: "release", ...members }));
  }

  #ended(frame: EndPush): void {
    this.intake.detach();
    const error = errorOf(frame);
    this.#gone(this.ownership.takeAll());
    if (error.retry !== "rejoin") return this.#port.ended(error);
    this.ownership.doubt();
    this.#join();
  }

  /** These partitions were lost. */
  #gone(lost: readonly Owned[]): void {
    if (lost.length === 0) return;
    for (const owned of lost) {
      this.intake.drop(owned);
      this.hands.void(owned);
      this.#commits.forget(nameOf(owned));
    }
    this.#port.revoked(lost.map(place), true);
  }

  /** Seeks again: the loop is below the committed offset, at which the group has assigned. */
  #seekBack(ahead: readonly Owned[]): void {
    const partitions = ahead.map((owned) => ({ ...place(owned), offset: owned.next }));
    const members = { subscription: this.intake.number, partitions };
    this.#connection.request("seek", members, (reply) => {
      if (reply.type === "ok") { for (const owned of ahead) owned.rewinding = false; }
      else {
        this.#connection.later(reply.retryAfterMs ?? RETRY_MS, () => {
          const still = this.ownership.still(ahead);
          if (still.length > 0) this.#seekBack(still);
        });
      }
    });
  }

  #sought({ topic, partition, offset }: TopicPartitionOffset): void {
    const owned = this.ownership.find({ topic, partition });
    if (!owned) return;
    this.intake.drop(owned);
    owned.next = owned.done = offset;
    this.hands.void(owned);
  }

  /** Commits what the loop has processed, if `autoCommitMs` is set. */
  #commitDone(): void {
    if (this.#options.autoCommitMs !== undefined) {
      for (const owned of this.ownership.all) {
        if (owned.done <= owned.committed) continue;
        this.#commits.note({ ...place(owned), offset: owned.done });
        owned.asked = Math.max(owned.asked, owned.done);
      }
    }
    if (this.isJoined) this.#commits.flush();
  }

  #settled(): void {
    for (const run of this.#onSettled.splice(0)) run();
  }
}
