/**
 * A well-behaved member of a group: it keeps what it is assigned, and releases what is revoked at
 * once. For tests of what the group does; tests of misbehaving members use `Client` itself.
 */

import type { Position } from "./frames.ts";
import { Client } from "./client.ts";
import type { Gateway } from "./gateway.ts";

export class Member {
  readonly client: Client;
  readonly subscription: number;
  readonly member: string;

  private constructor(client: Client, subscription: number, member: string) {
    this.client = client;
    this.subscription = subscription;
    this.member = member;
  }

  static async join(
    gateway: Gateway,
    group: string,
    topics: readonly string[],
    options: Record<string, unknown> = {},
  ): Promise<Member> {
    const client = await Client.open(gateway, {
      onPush(client, frame) {
        if (frame.type !== "revoke" || frame["lost"] === true) return;
        const { subscription, partitions } = frame;
        client.send({ type: "release", subscription, partitions });
      },
    });
    const { subscription, member } = await client.join(group, topics, options);
    return new Member(client, subscription, member);
  }

  /** What it owns now, as its pushes say. */
  owned(): ReadonlyMap<string, Position> {
    const owned = new Map<string, Position>();
    for (const frame of this.client.seen) {
      if (frame["subscription"] !== this.subscription) continue;
      const partitions = frame["partitions"] as readonly Position[];
      if (frame.type === "assign") {
        for (const which of partitions) owned.set(`${which.topic}/${which.partition}`, which);
      } else if (frame.type === "revoke") {
        for (const which of partitions) owned.delete(`${which.topic}/${which.partition}`);
      }
    }
    return owned;
  }

  topics(): ReadonlySet<string> {
    return new Set([...this.owned().values()].map(({ topic }) => topic));
  }

  /** Waits until it owns this many partitions. */
  async owns(count: number): Promise<void> {
    await this.client.when(() => this.owned().size === count, `owning ${count} partitions`);
  }
}

export async function letGo(members: readonly Member[]): Promise<void> {
  await Promise.all(members.map(({ client }) => client.close()));
}
