/**
 * What a gateway tells the others: a value of its own in the store, set in the same atomic write as
 * what it is about. It says that the gateway lives, and names what it changed last; whoever reads it
 * looks there. News is a hint: nothing is delivered or decided by it, and nothing is lost with it.
 *
 *     JSON {counter, since, stripes: [[topic-id, stripe, entries], …], groups: […], topics: […]}
 *
 * `counter` rises with every write of the news. Whoever has seen the news at `since` or later finds all
 * that has happened from then on in it; others have missed something, and look everywhere.
 */

import { PEERS } from "../limits.ts";
import type { StripePlace } from "../log/append.ts";

export interface News {
  readonly counter: number;
  readonly since: number;
  /** Those that have grown. */
  readonly stripes: readonly StripePlace[];
  /** Names of groups whose state has changed. */
  readonly groups: readonly string[];
  /** Names of topics that were made, changed or deleted. */
  readonly topics: readonly string[];
}

type Item =
  | { readonly kind: "stripe"; readonly place: StripePlace }
  | { readonly kind: "group" | "topic"; readonly name: string };

/** What a gateway has to tell: the last of each, the oldest forgotten when it becomes too much. */
export class NewsBoard {
  readonly #items = new Map<string, { readonly item: Item; readonly counter: number }>();
  #counter = 0;
  #since = 0;

  stripe(place: StripePlace): void {
    this.#put(`s/${place.topicId}/${place.stripe}`, { kind: "stripe", place });
  }

  group(name: string): void {
    this.#put(`g/${name}`, { kind: "group", name });
  }

  topic(name: string): void {
    this.#put(`t/${name}`, { kind: "topic", name });
  }

  /** The news as they are written next. */
  next(): News {
    this.#counter++;
    const items = [...this.#items.values()].map(({ item }) => item);
    return {
      counter: this.#counter,
      since: this.#since,
      stripes: items.flatMap((item) => item.kind === "stripe" ? [item.place] : []),
      groups: items.flatMap((item) => item.kind === "group" ? [item.name] : []),
      topics: items.flatMap((item) => item.kind === "topic" ? [item.name] : []),
    };
  }

  /** It is told with the next write. */
  #put(name: string, item: Item): void {
    this.#items.delete(name);
    this.#items.set(name, { item, counter: this.#counter + 1 });
    for (const [oldest, { counter }] of this.#items) {
      if (this.#items.size <= PEERS.newsItems) return;
      this.#items.delete(oldest);
      this.#since = counter;
    }
  }
}

export function encodeNews({ counter, since, stripes, groups, topics }: News): Uint8Array {
  const places = stripes.map(({ topicId, stripe, entries }) => [topicId, stripe, entries]);
  return new TextEncoder().encode(
    JSON.stringify({ counter, since, stripes: places, groups, topics }),
  );
}

interface Stored extends Omit<News, "stripes"> {
  readonly stripes: readonly (readonly [topicId: string, stripe: number, entries: number])[];
}

export function decodeNews(value: Uint8Array): News {
  const stored: Stored = JSON.parse(new TextDecoder().decode(value));
  const stripes = stored.stripes.map(([topicId, stripe, entries]) => ({
    topicId,
    stripe,
    entries,
  }));
  return { ...stored, stripes };
}
