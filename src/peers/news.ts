/**
 * What a gateway tells the others: a value of its own in the store, set in the same atomic write as
 * what it is about. It says that the gateway lives, and names what it changed last; whoever reads it
 * looks there. News is a hint: nothing is delivered or decided by it, and nothing is lost with it.
 *
 *     JSON {counter, since, stripes: [[topic-id, stripe, entries], …],
 *           groups: […], groupCounters: […], topics: […], topicCounters: […]}
 *
 * `counter` rises with every write of the news. Whoever has seen the news at `since` or later finds all
 * that has happened from then on in it; others have missed something, and look everywhere.
 *
 * Beside a group or a topic stands the counter of the first news that tell its last change, so that those
 * who have heard them look there once. News without these counters are an older gateway's, which itself
 * reads no more than the names.
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
  /** Of the first news that tell it. */
  readonly counter: number;
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

/** The news, without the groups and topics that those know who have heard them at this counter. */
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
