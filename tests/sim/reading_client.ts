/** Common to simulated clients that read: what comes is recorded, and credit is granted again. */

import { type Frame, SimClient } from "./client.ts";
import { shortened } from "./publishers.ts";

export interface Position {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

export interface RecordsFrame {
  readonly subscription: number;
  readonly topic: string;
  readonly partition: number;
  readonly records: readonly { offset: number; value: string }[];
  readonly next: number;
}

interface GapFrame {
  readonly topic: string;
  readonly partition: number;
  readonly from: number;
  readonly to: number;
  readonly reason: "trimmed" | "slow";
}

export abstract class ReadingClient extends SimClient {
  /** Its name in the history. */
  protected abstract get reader(): string;

  /** Records have come. `paceMs`: how long it takes to process them, from and to. */
  protected take(
    { topic, partition, records, next, subscription }: RecordsFrame,
    paceMs: readonly [number, number] | undefined,
  ): void {
    const { world, recorder, isHealthy } = this.site;
    const read = records.map(({ offset, value }) => [offset, shortened(value)] as const);
    const { name, reader } = this;
    recorder.told(name, { f: "poll", reader, topic, partition, records: read, next });
    const give = () => this.push({ type: "credit", subscription, records: records.length });
    if (paceMs && !isHealthy) world.after(world.between(...paceMs), give);
    else give();
  }

  /** Some records will not come; returns where reading continues. */
  protected miss(frame: Frame): Position {
    const { topic, partition, from, to, reason } = frame as unknown as GapFrame;
    const { recorder, rare } = this.site;
    rare.gapDelivered++;
    recorder.told(this.name, { f: "gap", reader: this.reader, topic, partition, from, to, reason });
    return { topic, partition, offset: to };
  }
}
