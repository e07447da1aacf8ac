/**
 * A consumer of a group, as it would be in a process of its own: a client, a loop over batches, and
 * a commit for what is processed. It can be killed at any moment.
 */

import {
  type Assigned,
  type Client,
  connect,
  type Consumer,
  type RecordBatch,
  WeirError,
} from "../client/mod.ts";
import type { TopicPartition } from "../protocol/gateway_frames.ts";
import { mortal } from "./crash.ts";

/** The work that the members of a group do. */
export interface Work {
  readonly group: string;
  /** Its name for people. */
  readonly title: string;
  readonly topics: readonly string[];
  /** Records that a member may have at a time. */
  readonly capacity?: number;
  /** A member starts: returns its task, with memory of its own. */
  begin(member: Member): Task;
}

export interface Task {
  /** Partitions were assigned to the member: prepares for them. Their records wait meanwhile. */
  assigned?(partitions: readonly Assigned[]): Promise<void>;
  /** Processes a batch, and commits what is done. */
  process(batch: RecordBatch): Promise<void>;
}

/** Called by a member. */
export interface MemberEvents {
  assigned(partitions: readonly TopicPartition[]): void;
  /** The member cannot continue. */
  failed(error: unknown): void;
}

const CAPACITY = 2_000;

export class Member {
  readonly name: string;
  readonly client: Client;
  readonly consumer: Consumer;
  readonly #crash: () => void;
  /** Records that it has processed. */
  processed = 0;
  alive = true;

  constructor(url: string, name: string, work: Work, events: MemberEvents) {
    const { platform, crash } = mortal();
    this.name = name;
    this.#crash = crash;
    this.client = connect(url, { platform, client: { name, version: "0.1.0" } });
    const task = work.begin(this);
    this.consumer = this.client.consume(work.topics, {
      group: work.group,
      // When it dies, its partitions are reassigned at once.
      instance: false,
      autoCommitMs: false,
      capacity: { records: work.capacity ?? CAPACITY },
      onAssign: async (partitions) => {
        events.assigned(partitions);
        await task.assigned?.(partitions);
      },
    });
    this.#run(task).catch((error) => this.alive && events.failed(error));
  }

  /** The partitions that it owns now. */
  get partitions(): readonly TopicPartition[] {
    return this.alive ? this.consumer.partitions : [];
  }

  /** Crashes it: the socket is gone, nothing is finished. */
  kill(): void {
    this.alive = false;
    this.#crash();
  }

  async #run(task: Task): Promise<void> {
    for await (const batch of this.consumer.batches()) {
      try {
        await task.process(batch);
      } catch (error) {
        // Another member owns the partition by now, and begins at the committed offset.
        if (error instanceof WeirError && error.retry === "rejoin") continue;
        throw error;
      }
      this.processed += batch.records.length;
    }
  }
}
