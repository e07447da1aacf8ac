/**
 * A work queue: each order is cooked by one cook. If a cook dies, another takes over: an order that
 * was cooked and not committed is cooked again. So nothing is lost, and at most one order is done
 * twice for each cook that dies or loses its gateway.
 */

import { catchUp, consumersLine, Crew } from "./crew.ts";
import type { Journal } from "./journal.ts";
import type { Member, Task, Work } from "./member.ts";
import { Outlet } from "./outlet.ts";
import { pause } from "./pause.ts";
import { type Action, crewActions, type Use } from "./use.ts";

const COOKS = 3;
const ORDER_EVERY_MS = 40;
/** Three cooks keep up at this pace, and two do not. */
const COOKING_MS = 90;
const SHOWN = 14;
const DISHES = ["Soup", "Pasta", "Curry", "Salad", "Pizza", "Ramen", "Tacos", "Pancakes"];

interface Order {
  readonly number: number;
  readonly dish: string;
}

interface Cooked extends Order {
  readonly cook: string;
}

class Kitchen implements Work {
  readonly group = "kitchen";
  readonly title = "Kitchen";
  /** Small, so that another cook can take over soon. */
  readonly capacity = 8;
  readonly topics: readonly string[];
  readonly #times = new Map<number, number>();
  /** The latest ones, the newest first. */
  latest: readonly Cooked[] = [];
  repeated = 0;

  constructor(topic: string) {
    this.topics = [topic];
  }

  /** Different orders that were cooked. */
  get done(): number {
    return this.#times.size;
  }

  begin(member: Member): Task {
    return {
      process: async ({ topic, partition, records }) => {
        for (const { offset, value } of records) {
          await pause(COOKING_MS);
          if (!member.alive) return;
          this.#cooked({ ...value as Order, cook: member.name });
          await member.consumer.commit([{ topic, partition, offset: offset + 1 }]);
        }
      },
    };
  }

  #cooked(order: Cooked): void {
    const times = this.#times.get(order.number) ?? 0;
    this.#times.set(order.number, times + 1);
    if (times > 0) this.repeated++;
    this.latest = [order, ...this.latest.slice(0, SHOWN - 1)];
  }
}

export class QueueUse implements Use {
  readonly name = "queue";
  readonly crews: readonly Crew[];
  readonly actions: Readonly<Record<string, Action>>;
  readonly #outlet: Outlet;
  readonly #kitchen: Kitchen;
  #placed = 0;

  private constructor(outlet: Outlet, urls: readonly string[], { tell }: Journal) {
    this.#outlet = outlet;
    this.#kitchen = new Kitchen(outlet.topic);
    this.crews = [new Crew(urls, this.#kitchen, tell)];
    for (const crew of this.crews) crew.start(COOKS);
    this.actions = crewActions(this.crews, tell);
  }

  static async start(
    { urls, journal }: { urls: readonly string[]; journal: Journal },
  ): Promise<QueueUse> {
    return new QueueUse(await Outlet.open(urls, "orders"), urls, journal);
  }

  about(): object {
    return { topics: { orders: this.#outlet.topic } };
  }

  state(): object {
    const { done, repeated, latest } = this.#kitchen;
    return { orders: { placed: this.#placed, done, repeated, latest } };
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const number = this.#placed++;
      const order: Order = { number, dish: DISHES[number % DISHES.length] ?? "" };
      await this.#outlet.ready;
      this.#outlet.publish({ value: order });
      this.#outlet.check();
      await pause(ORDER_EVERY_MS);
    }
  }

  async catchUp(): Promise<void> {
    await this.#outlet.flush();
    await catchUp(this.#outlet.api, this.crews);
  }

  async count() {
    const { done, repeated } = this.#kitchen;
    return {
      line: `orders ${this.#placed}  done ${done}  lost ${this.#placed - done}  ` +
        `repeated ${repeated}  ${consumersLine(this.crews)}`,
      isWhole: done === this.#placed,
    };
  }

  async close(): Promise<void> {
    for (const crew of this.crews) crew.stop();
    await this.#outlet.close();
  }
}
