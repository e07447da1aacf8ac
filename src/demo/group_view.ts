/**
 * What people want to see of a group: its members, who owns which partition, and how far each is.
 */

import type { Crew } from "./crew.ts";
import type { GatewayApi } from "./gateway_api.ts";

export interface GroupView {
  readonly group: string;
  readonly title: string;
  readonly members: readonly MemberView[];
  readonly partitions: readonly PartitionView[];
  readonly lag: number;
  /** Records committed per second. */
  readonly perSecond: number;
}

interface MemberView {
  readonly name: string;
  readonly alive: boolean;
  readonly partitions: readonly number[];
  readonly processed: number;
}

interface PartitionView {
  readonly partition: number;
  /** The member that owns it. */
  readonly owner: string | undefined;
  readonly committed: number;
  readonly end: number;
  readonly lag: number;
}

/** The weight of a new rate against the average so far. */
const FRESH = 0.3;

/** Observes a group repeatedly, and so knows its rate. */
export class GroupWatch {
  readonly #crew: Crew;
  readonly #api: GatewayApi;
  #committed: number | undefined;
  #atMs = 0;
  #perSecond = 0;

  constructor(crew: Crew, api: GatewayApi) {
    this.#crew = crew;
    this.#api = api;
  }

  async look(): Promise<GroupView> {
    const { work, members, lateMembers } = this.#crew;
    const { group, title } = work;
    const offsets = await this.#api.offsets(work);
    const owners = new Map(
      members.flatMap(({ name, partitions }) =>
        partitions.map(({ partition }) => [partition, name] as const)
      ),
    );
    const partitions = offsets.map(({ partition, offset, end, lag }) => ({
      partition,
      owner: owners.get(partition),
      committed: offset,
      end,
      lag,
    }));
    return {
      group,
      title,
      members: [...members, ...lateMembers].map(({ name, alive, partitions, processed }) => ({
        name,
        alive,
        partitions: partitions.map(({ partition }) => partition).sort((a, b) => a - b),
        processed,
      })),
      partitions: partitions.sort((a, b) => a.partition - b.partition),
      lag: sum(partitions.map(({ lag }) => lag)),
      perSecond: this.#rate(sum(partitions.map(({ committed }) => committed))),
    };
  }

  #rate(committed: number): number {
    const now = performance.now();
    if (this.#committed !== undefined) {
      const rate = (committed - this.#committed) / (now - this.#atMs) * 1_000;
      this.#perSecond += FRESH * (rate - this.#perSecond);
    }
    this.#committed = committed;
    this.#atMs = now;
    return Math.round(this.#perSecond);
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0);
}
