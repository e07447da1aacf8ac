/**
 * What a gateway tells the others: a value of its own in the store, set in the same atomic write as
 * the changes that it names. It shows that the gateway is alive, and names its latest changes,
 * which the others then read. News are hints: nothing is decided by them, and nothing is lost if
 * they are missed.
 *
 *     JSON {counter, since, stripes: [[topic-id, stripe, entries], …],
 *           groups: […], groupCounters: […], topics: […], topicCounters: […]}
 *
 * `counter` rises with every write of the news. A reader that has seen the news at `since` or later
 * misses nothing; any other has missed something, and rereads everything.
 *
 * Each group and topic comes with the counter of the first news that had its last change, so that a
 * reader looks at it only once. News of older gateways have no such counters, and older gateways
 * ignore them.
 */

import { PEERS } from "../limits.ts";
import type { StripePlace } from "../log/append.ts";

export interface News {
  readonly counter: number;
  readonly since: number;
  /** Those that have grown. */
  readonly stripes: readonly StripePlace[];
  /** Those whose state has changed. */
  readonly groups: readonly Changed[];
  /** Those that were made, changed or deleted. */
  readonly topics: readonly Changed[];
}

/** A group or a topic that has changed. */
export interface Changed {
  readonly name: string;
  /** The counter of the first news that had its last change. */
  readonly counter: number;
}

type Item =
  | { readonly kind: "stripe"; readonly place: StripePlace }
  | { readonly kind: "group" | "topic"; readonly name: string };

/** What a gateway has to tell: the last change of each item, and no more than the latest. */
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

  /** The news for the next write. */
  next(): News {
    this.#counter++;
    const items = [...this.#items.values()];
    const changed = (kind: "group" | "topic") =>
      items.flatMap(({ item, counter }) =>
        item.kind === kind ? [{ name: item.name, counter }] : []
      );
    return {
      counter: this.#counter,
      since: this.#since,
      stripes: items.flatMap(({ item }) => item.kind === "stripe" ? [item.place] : []),
      groups: changed("group"),
      topics: changed("topic"),
    };
  }

  /** Adds a change to the next news. */
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

/** The news, without groups and topics that a reader of the news at `heard` knows. */
export function newSince(news: News, heard: number): News {
  const isNew = ({ counter }: Changed) => counter > heard;
  return { ...news, groups: news.groups.filter(isNew), topics: news.topics.filter(isNew) };
}

interface Stored {
  readonly counter: number;
  readonly since: number;
  readonly stripes: readonly (readonly [topicId: string, stripe: number, entries: number])[];
  readonly groups: readonly string[];
  readonly groupCounters?: readonly number[];
  readonly topics: readonly string[];
  readonly topicCounters?: readonly number[];
}

export function encodeNews({ counter, since, stripes, groups, topics }: News): Uint8Array {
  const stored: Stored = {
    counter,
    since,
    stripes: stripes.map(({ topicId, stripe, entries }) => [topicId, stripe, entries]),
    groups: groups.map(({ name }) => name),
    groupCounters: groups.map(({ counter }) => counter),
    topics: topics.map(({ name }) => name),
    topicCounters: topics.map(({ counter }) => counter),
  };
  return new TextEncoder().encode(JSON.stringify(stored));
}

export function decodeNews(value: Uint8Array): News {
  const stored: Stored = JSON.parse(new TextDecoder().decode(value));
  const stripes = stored.stripes.map(([topicId, stripe, entries]) => ({
    topicId,
    stripe,
    entries,
  }));
  const { counter, since } = stored;
  const changed = (names: readonly string[], counters: readonly number[] = []) =>
    names.map((name, i) => ({ name, counter: counters[i] ?? counter }));
  return {
    counter,
    since,
    stripes,
    groups: changed(stored.groups, stored.groupCounters),
    topics: changed(stored.topics, stored.topicCounters),
  };
}
