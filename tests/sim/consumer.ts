/** Simulated members of groups: they commit what they have read, and release what is revoked. */

import type { Frame } from "./client.ts";
import type { Commit, Position as CommitPosition } from "../checker/history.ts";
import { settle } from "./publishers.ts";
import { type Position, ReadingClient, type RecordsFrame } from "./reading_client.ts";
import type { Site } from "./site.ts";

export interface ConsumerOptions {
  readonly group: string;
  readonly topics: readonly string[];
  readonly instance?: string;
  readonly sessionTimeoutMs?: number;
  readonly revokeTimeoutMs?: number;
  /** Records that it may be sent before it has processed them; absent: unlimited. */
  readonly credit?: number;
  /** How long it takes for a push, from and to. */
  readonly paceMs?: readonly [number, number];
  /** How long after that it commits, from and to. */
  readonly commitMs?: readonly [number, number];
  readonly from?: "earliest" | "latest";
}

const COMMIT_MS = [0, 60] as const;

type Partition = readonly [topic: string, partition: number];

export class Consumer extends ReadingClient {
  protected readonly options: ConsumerOptions;
  /** By partition's name: the next offset. */
  readonly #owned = new Map<string, number>();
  readonly #revoking = new Set<string>();
  /** Subscriptions that it has left, on this connection. */
  readonly #left = new Set<number>();
  #joins = 0;
  #isAssigned = false;
  #isMember = false;
  protected subscription = 0;

  constructor(site: Site, name: string, options: ConsumerOptions) {
    super(site, name);
    this.options = options;
  }

  get owned(): readonly string[] {
    return [...this.#owned.keys()];
  }

  /** It waits for partitions, or has to release some. */
  get isRebalancing(): boolean {
    return !this.#isAssigned || this.#revoking.size > 0;
  }

  /** Leaves its group, and joins again on the same connection after so long. */
  leave(awayMs: number): void {
    const { world, rare } = this.site;
    if (!this.isOpen || !this.#isMember) return;
    rare.memberLeft++;
    const { subscription, member } = this;
    this.ask({ type: "leave", subscription }, () => {});
    this.#left.add(subscription);
    this.#leave();
    world.after(awayMs, () => {
      if (this.isOpen && this.member === member) this.#join();
    });
  }

  /** Its name in the history: each `join` makes a new member. */
  protected get member(): string {
    return `${this.name}#${this.#joins}`;
  }

  protected override get reader(): string {
    return this.member;
  }

  protected override opened(): void {
    this.#join();
  }

  protected override lost(): void {
    this.#leave();
    this.#left.clear();
  }

  protected override pushed(frame: Frame): void {
    if (this.#left.has(Number(frame["subscription"]))) return;
    this.subscription = Number(frame["subscription"] ?? this.subscription);
    switch (frame["type"]) {
      case "assign":
        return this.#assigned(frame);
      case "revoke":
        return this.#revoked(frame);
      case "records":
        return this.#took(frame as unknown as RecordsFrame);
      case "gap":
        this.miss(frame);
        return;
      case "end":
        return this.#end(frame);
    }
  }

  /** Processes records, and commits them. */
  protected async dealWith(
    { topic, partition, next }: Pick<RecordsFrame, "topic" | "partition" | "next" | "records">,
  ): Promise<void> {
    const { world, recorder } = this.site;
    const { life } = this;
    await world.sleep(world.between(...this.options.commitMs ?? COMMIT_MS));
    if (this.life !== life) return;
    const { commit, frame } = this.commitOf(topic, partition, next);
    const op = recorder.invoke(this.name, { f: "commit", commit });
    const reply = await this.request({ type: "commit", ...frame });
    settle(this.site, this.name, op, reply, (ok) => {
      recorder.ok(this.name, op, { committed: (ok["offsets"] as Position[]).map(positionOf) });
    });
  }

  /** It no longer owns the partition. */
  protected gone(_topic: string, _partition: number): void {}

  /** A commit as the history and as the gateway have it. */
  protected commitOf(topic: string, partition: number, offset: number) {
    const { group } = this.options;
    const offsets: CommitPosition[] = [[topic, partition, offset]];
    const commit: Commit = { group, member: this.member, offsets };
    const frame = { subscription: this.subscription, offsets: [{ topic, partition, offset }] };
    return { commit, frame };
  }

  #join(): void {
    const { credit, paceMs: _, commitMs: __, ...spec } = this.options;
    const room = credit ? { credit: { records: credit } } : {};
    this.#joins++;
    this.ask({ type: "join", ...spec, ...room }, (reply) => {
      if (!reply) return;
      if (reply["type"] !== "ok") return this.cut();
      this.#isMember = true;
      this.subscription = Number(reply["subscription"]);
      if (this.leftOpen && spec.instance !== undefined) this.site.rare.instanceTakenOver++;
      this.leftOpen = false;
    });
  }

  #assigned(frame: Frame): void {
    const { group } = this.options;
    this.#isAssigned = true;
    const given = frame["partitions"] as (Position & { readonly incarnation: string })[];
    for (const { topic, partition, offset } of given) {
      this.#owned.set(`${topic}/${partition}`, offset);
    }
    this.site.recorder.told(this.name, {
      f: "assign",
      group,
      member: this.member,
      epoch: Number(frame["epoch"]),
      partitions: given.map(({ topic, partition, offset, incarnation }) =>
        [topic, partition, offset, incarnation] as const
      ),
    });
  }

  #revoked(frame: Frame): void {
    const { recorder, rare } = this.site;
    const { group } = this.options;
    const lost = frame["lost"] === true;
    const partitions = (frame["partitions"] as Position[]).map(({ topic, partition }) =>
      [topic, partition] as const
    );
    const epoch = Number(frame["epoch"]);
    recorder.told(this.name, { f: "revoke", group, member: this.member, epoch, lost, partitions });
    for (const [topic, partition] of partitions) {
      const name = `${topic}/${partition}`;
      this.#owned.delete(name);
      this.gone(topic, partition);
      if (!lost) this.#revoking.add(name);
      else if (this.#revoking.delete(name)) rare.revokeDeadlinePassed++;
    }
    if (!lost) this.#release(partitions);
  }

  #release(partitions: readonly Partition[]): void {
    const { world, recorder, scenario } = this.site;
    const { subscription, member } = this;
    // Some never answer: then the deadline takes the partitions from them.
    if (world.chance(0.1)) return;
    const slow = scenario.wide && world.chance(0.3) ? this.options.revokeTimeoutMs : undefined;
    world.after(
      slow === undefined ? world.between(0, 100) : world.between(100, 0.95 * slow),
      () => {
        if (this.member !== member || !this.isOpen || this.#left.has(subscription)) return;
        const { group } = this.options;
        recorder.told(this.name, { f: "release", group, member, partitions });
        for (const [topic, partition] of partitions) this.#revoking.delete(`${topic}/${partition}`);
        this.push({
          type: "release",
          subscription,
          partitions: partitions.map(([topic, partition]) => ({ topic, partition })),
        });
      },
    );
  }

  #took(frame: RecordsFrame): void {
    this.take(frame, this.options.paceMs);
    this.#owned.set(`${frame.topic}/${frame.partition}`, frame.next);
    this.dealWith(frame);
  }

  #end(frame: Frame): void {
    const { rare } = this.site;
    if (frame["code"] === "fenced" && frame["retry"] === "rejoin") rare.declaredDeadWhileAlive++;
    this.cut();
  }

  #leave(): void {
    this.#owned.clear();
    this.#revoking.clear();
    this.#isAssigned = false;
    if (!this.#isMember || this.isStopped) return;
    this.#isMember = false;
    const { group } = this.options;
    this.site.recorder.told(this.name, { f: "left", group, member: this.member });
  }
}

function positionOf({ topic, partition, offset }: Position): CommitPosition {
  return [topic, partition, offset];
}
