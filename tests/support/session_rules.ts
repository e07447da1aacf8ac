/**
 * Rules for every message of every session, whatever a test is about: the client passes in
 * everything that it sends and receives, and a violation of the protocol's page is recorded and
 * fails the test at its next call. So each test of one rule also tests these:
 *
 * 1. a message is a frame, or an array of 1 to 64;
 * 2. a reply answers an open request, once; an error is a row of the table;
 * 3. pushes of a subscription come after its `ok` and before its end; its number is new;
 * 4. offsets of a (subscription, partition) are consecutive, except for `gap`, `seek` and `keys`;
 * 5. records come only from partitions that are followed, or owned and not revoked;
 * 6. credit in records is never exceeded, and credit in bytes only by the last record;
 * 7. `heads` report partitions that changed, and no position before what was delivered earlier.
 */

import {
  type AssignPush,
  ERROR_TABLE,
  type ErrorReply,
  type Frame,
  type GapPush,
  type HeartbeatPush,
  type Joined,
  type RecordsPush,
  type RevokePush,
  type Subscribed,
  type TopicPartition,
} from "./frames.ts";

interface Partition {
  position: number;
  revoked: boolean;
  /** `next/end` as last reported by a heartbeat. */
  named: string;
}

interface Subscription {
  readonly keyed: boolean;
  readonly member: boolean;
  readonly partitions: Map<string, Partition>;
  records: number;
  bytes: number;
  over: boolean;
}

const pushTypes = new Set(
  ["records", "gap", "assign", "revoke", "end", "heartbeat", "ping", "drain"],
);
/** Codes and retry rules that the page allows in addition to its table, with the table's rule. */
const EXCEPTIONS: Readonly<Record<string, string>> = {
  "unavailable reconnect": "same",
  "fenced never": "rejoin",
};

export class SessionRules {
  /** Each describes what came and which rule it breaks. */
  readonly violations: string[] = [];
  readonly #open = new Map<number, Frame>();
  readonly #subscriptions = new Map<number, Subscription>();

  get openRequests(): number {
    return this.#open.size;
  }

  sent(frame: Frame): void {
    const { id } = frame;
    if (Number.isInteger(id) && !this.#open.has(id!)) this.#open.set(id!, frame);
    const subscription = this.#subscriptions.get(frame["subscription"] as number);
    if (!subscription) return;
    if (frame.type === "credit") {
      subscription.records += whole(frame["records"]);
      subscription.bytes += whole(frame["bytes"]);
    }
    if (frame.type === "release" && Array.isArray(frame["partitions"])) {
      for (const which of frame["partitions"] as readonly TopicPartition[]) {
        if (subscription.partitions.get(name(which))?.revoked) {
          subscription.partitions.delete(name(which));
        }
      }
    }
  }

  /** Splits a message into frames. */
  received(message: unknown): readonly Frame[] {
    if (typeof message !== "string") {
      this.#note("a binary message", {});
      return [];
    }
    const parsed: unknown = JSON.parse(message);
    const frames = (Array.isArray(parsed) ? parsed : [parsed]) as readonly Frame[];
    if (frames.length < 1 || frames.length > 64) this.#note(`${frames.length} frames`, {});
    for (const frame of frames) {
      if (frame.type === "ok") this.#ok(frame);
      else if (frame.type === "error") this.#error(frame as unknown as ErrorReply);
      else if (frame.id !== undefined) this.#note("a push has an id", frame);
      else this.#push(frame);
    }
    return frames;
  }

  #note(rule: string, frame: unknown): void {
    this.violations.push(`${rule}: ${JSON.stringify(frame).slice(0, 400)}`);
  }

  #close(id: number, frame: unknown): Frame | undefined {
    const request = this.#open.get(id);
    if (!request) this.#note("a reply to no open request", frame);
    this.#open.delete(id);
    return request;
  }

  #error(error: ErrorReply): void {
    if (error.id !== undefined) this.#close(error.id, error);
    const row = ERROR_TABLE[error.code];
    if (!row) return this.#note("a code that is not in the table", error);
    const retry = EXCEPTIONS[`${error.code} ${error.retry}`] ?? error.retry;
    if (retry !== row[1] || error.effect !== row[2]) {
      this.#note(`"${error.code}" has retry "${row[1]}" and effect "${row[2]}"`, error);
    }
    if (typeof error.message !== "string" || error.message === "") this.#note("no message", error);
    const carried = error.code === "sequence_gap"
      ? [error.expected]
      : error.code === "offset_out_of_range"
      ? [error.start, error.next]
      : error.code === "overloaded" || error.code === "rate_limited"
      ? [error.retryAfterMs]
      : [];
    if (!carried.every(Number.isInteger)) this.#note("the code carries more than this", error);
  }

  #ok(reply: Frame): void {
    const request = typeof reply.id === "number" ? this.#close(reply.id, reply) : undefined;
    if (!request) return;
    const subscription = this.#subscriptions.get(request["subscription"] as number);
    if (request.type === "subscribe" || request.type === "join") {
      this.#begin(request, reply as unknown as Subscribed & Joined);
    } else if (request.type === "unsubscribe" || request.type === "leave") {
      if (subscription) subscription.over = true;
    } else if (request.type === "seek") {
      for (const { topic, partition, offset } of positionsOf(request)) {
        const followed = subscription?.partitions.get(name({ topic, partition }));
        if (followed) followed.position = offset;
        else this.#note("a seek to what is not followed was let through", request);
      }
    }
  }

  #begin(request: Frame, reply: Subscribed & Joined): void {
    if (this.#subscriptions.has(reply.subscription)) this.#note("a number used twice", reply);
    const credit = request["credit"] as { records: number; bytes?: number } | undefined;
    const subscription: Subscription = {
      keyed: request["keys"] !== undefined,
      member: request.type === "join",
      partitions: new Map(),
      records: credit?.records ?? 500,
      bytes: credit?.bytes ?? Infinity,
      over: false,
    };
    this.#subscriptions.set(reply.subscription, subscription);
    if (subscription.member) return;
    for (const { topic, partition, offset } of reply.positions) {
      const added = { position: offset, revoked: false, named: "" };
      subscription.partitions.set(name({ topic, partition }), added);
    }
  }

  #push(frame: Frame): void {
    if (!pushTypes.has(frame.type)) return this.#note("an unknown push", frame);
    if (frame.type === "heartbeat") return this.#heads(frame as unknown as HeartbeatPush);
    if (frame.type === "ping" || frame.type === "drain") return;
    const subscription = this.#subscriptions.get(frame["subscription"] as number);
    if (!subscription) return this.#note("a push for no subscription", frame);
    if (subscription.over) return this.#note("a push for a subscription that is over", frame);
    if (frame.type === "records") this.#records(subscription, frame as unknown as RecordsPush);
    else if (frame.type === "gap") this.#gap(subscription, frame as unknown as GapPush);
    else if (frame.type === "assign") this.#assign(subscription, frame as unknown as AssignPush);
    else if (frame.type === "revoke") this.#revoke(subscription, frame as unknown as RevokePush);
    else subscription.over = true;
  }

  #records(subscription: Subscription, push: RecordsPush): void {
    const offsets = push.records.map((record) => record.offset);
    const first = offsets[0];
    const last = offsets.at(-1);
    if (first === undefined || last === undefined) return this.#note("no records", push);
    const followed = this.#followed(subscription, push);
    if (!followed) return;
    for (const record of push.records) {
      const { offset, timestamp } = record;
      if (
        !Number.isSafeInteger(offset) || !Number.isSafeInteger(timestamp) || !("value" in record)
      ) {
        this.#note("not a record", record);
      }
    }
    const dense = offsets.every((offset, index) => offset === first + index);
    const rising = offsets.every((offset, index) => index === 0 || offset > offsets[index - 1]!);
    if (push.kept) {
      if (!rising || last >= push.next) this.#note("kept records rise below next", push);
      if (push.next !== followed.position) this.#note("next is not the gap's end", push);
    } else if (subscription.keyed) {
      if (!rising || first < followed.position) this.#note("offsets repeat", push);
      if (push.next <= last) this.#note("next is not behind the last record", push);
    } else {
      if (!dense || first !== followed.position) {
        this.#note(`offsets do not go on at ${followed.position}`, push);
      }
      if (push.next !== last + 1) this.#note("next does not follow the last record", push);
    }
    followed.position = push.next;
    this.#spend(subscription, push);
  }

  #spend(subscription: Subscription, push: RecordsPush): void {
    if (!Number.isSafeInteger(push.bytes) || push.bytes < 1) this.#note("bad bytes", push);
    if (subscription.bytes <= 0) this.#note("bytes were spent before this push", push);
    subscription.records -= push.records.length;
    subscription.bytes -= push.bytes;
    if (subscription.records < 0) this.#note(`records overdrawn: ${subscription.records}`, push);
  }

  #gap(subscription: Subscription, push: GapPush): void {
    const followed = this.#followed(subscription, push);
    if (!followed) return;
    const begins = subscription.keyed
      ? push.from >= followed.position
      : push.from === followed.position;
    if (!begins) this.#note(`a gap does not begin at ${followed.position}`, push);
    if (push.to <= push.from) this.#note("an empty gap", push);
    if (push.reason !== "trimmed" && push.reason !== "slow") this.#note("a gap's reason", push);
    followed.position = push.to;
  }

  #followed(subscription: Subscription, push: TopicPartition): Partition | undefined {
    const followed = subscription.partitions.get(name(push));
    if (!followed) this.#note("a partition that is not followed", push);
    else if (followed.revoked) this.#note("delivery after a revoke", push);
    else return followed;
    return undefined;
  }

  #assign(subscription: Subscription, push: AssignPush): void {
    if (!subscription.member) this.#note("an assign for no member", push);
    for (const added of push.partitions) {
      if (subscription.partitions.has(name(added))) this.#note("assigned twice", push);
      if (typeof added.incarnation !== "string") this.#note("no incarnation", push);
      const { offset } = added;
      subscription.partitions.set(name(added), { position: offset, revoked: false, named: "" });
    }
  }

  #revoke(subscription: Subscription, push: RevokePush): void {
    if (!push.lost && !Number.isSafeInteger(push.deadlineMs)) this.#note("no deadlineMs", push);
    for (const which of push.partitions) {
      const owned = subscription.partitions.get(name(which));
      if (push.lost) subscription.partitions.delete(name(which));
      else if (!owned || owned.revoked) this.#note("revoked without being owned", push);
      else owned.revoked = true;
    }
  }

  #heads(heartbeat: HeartbeatPush): void {
    for (const [number, heads] of Object.entries(heartbeat.heads)) {
      const subscription = this.#subscriptions.get(Number(number));
      if (!subscription || subscription.over) {
        this.#note(`heads of no live subscription ${number}`, heartbeat);
        continue;
      }
      for (const head of heads) {
        const followed = subscription.partitions.get(name(head));
        if (!followed) {
          this.#note(`heads of a partition that is not followed by ${number}`, head);
          continue;
        }
        const { next, end } = head;
        const known = subscription.keyed ? next >= followed.position : next === followed.position;
        if (!known) this.#note(`${followed.position} is reached, not next of`, head);
        if (end < next) this.#note("the end is before next", head);
        if (followed.named === `${next}/${end}`) this.#note("named again without a change", head);
        followed.named = `${next}/${end}`;
        followed.position = next;
      }
    }
  }
}

function name(which: TopicPartition): string {
  return `${which.topic}/${which.partition}`;
}

function positionsOf(
  request: Frame,
): readonly (TopicPartition & { readonly offset: number })[] {
  return request["partitions"] as readonly (TopicPartition & { readonly offset: number })[];
}

/** A credit grant; one that is not a number is refused and adds nothing. */
function whole(value: unknown): number {
  return Number.isSafeInteger(value) ? value as number : 0;
}
