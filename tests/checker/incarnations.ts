/**
 * Which incarnation of a topic an event is about. Acknowledgements name only the topic, so it is
 * derived from when they happened: between two deletions there is one incarnation. If that is
 * ambiguous (a deletion was in progress, or nobody named the incarnation), nothing is known. A name
 * that is heard after a deletion proves nothing either, since it may have been on its way, unless
 * the records read under it were sent after that deletion, too.
 */

import type { Event, Told } from "./history.ts";
import type { Operations } from "./operations.ts";

interface Span {
  readonly from: number;
  to: number;
}

class TopicLife {
  /** For each incarnation, the first event that names it, and the first that says it exists. */
  readonly named = new Map<string, number>();
  readonly founded = new Map<string, number>();
  /** For each incarnation, when the latest of its records that were read was first sent. */
  readonly sent = new Map<string, number>();
  /** The incarnation of the log at the end, and when that was read. */
  last: string | undefined;
  lastRead = -1;
  deletions: { readonly span: Span; readonly isCertain: boolean }[] = [];
  /** Deletions that may have happened, in order; overlapping ones are merged. */
  spans: readonly Span[] = [];

  name(incarnation: string, index: number): void {
    if (incarnation !== "" && !this.named.has(incarnation)) this.named.set(incarnation, index);
  }

  isNamedFirst(incarnation: string, from: number, to: number): boolean {
    const first = this.named.get(incarnation) ?? -1;
    return first > from && first < to;
  }

  /** Whether it is known to exist after this event. */
  isThereAfter(incarnation: string, index: number): boolean {
    const known = [this.founded.get(incarnation) ?? -1, this.sent.get(incarnation) ?? -1];
    return index < 0 || known.some((at) => at > index);
  }

  settle(): void {
    const born = this.last === undefined ? undefined : this.named.get(this.last);
    const spans: Span[] = [];
    for (const { span, isCertain } of this.deletions) {
      // If what existed before the deletion was requested exists at the end, it never happened.
      if (!isCertain && born !== undefined && this.lastRead > span.from) {
        if (born < span.from) continue;
        span.to = Math.min(span.to, born);
      }
      const before = spans.at(-1);
      if (before && span.from <= before.to) before.to = Math.max(before.to, span.to);
      else spans.push(span);
    }
    this.spans = spans;
  }
}

export class Incarnations {
  readonly #topics = new Map<string, TopicLife>();
  /** For each reader and topic, the incarnation that it was last told of. */
  readonly #followed = new Map<string, string>();

  constructor(events: readonly Event[], operations: Operations) {
    for (const [index, event] of events.entries()) {
      if (event.type === "told") this.#told(event, index, operations);
    }
    for (const { asked, begun, ended, outcome } of operations.all.values()) {
      if (asked.f !== "delete" || outcome === "fail") continue;
      const isCertain = outcome === "ok";
      const span = { from: begun, to: isCertain ? ended : Infinity };
      this.#life(asked.topic).deletions.push({ span, isCertain });
    }
    for (const life of this.#topics.values()) life.settle();
  }

  /** The named one; if none is named, that of a topic that was never deleted. */
  named(topic: string, incarnation: string | undefined): string | undefined {
    return incarnation === undefined || incarnation === "" ? this.only(topic) : incarnation;
  }

  /** The incarnation of a topic that was never deleted. */
  only(topic: string): string | undefined {
    const life = this.#topics.get(topic);
    if (!life) return "";
    if (life.spans.length > 0) return undefined;
    return life.last ?? [...life.named.keys()].at(-1) ?? "";
  }

  /** The incarnation during the time between two events. */
  during(topic: string, from: number, to: number): string | undefined {
    const spans = this.#topics.get(topic)?.spans ?? [];
    if (spans.length === 0) return this.only(topic);
    if (spans.some((span) => span.from < to && span.to > from)) return undefined;
    const before = spans.findLast((span) => span.to <= from);
    const after = spans.find((span) => span.from >= to);
    return this.#between(topic, before, after?.from ?? Infinity);
  }

  wasDeleted(topic: string): boolean {
    return (this.#topics.get(topic)?.spans.length ?? 0) > 0;
  }

  /** The incarnation of the log at the end. */
  last(topic: string): string | undefined {
    return this.#topics.get(topic)?.last;
  }

  /** What existed between one deletion and the next. */
  #between(topic: string, before: Span | undefined, to: number): string | undefined {
    const life = this.#topics.get(topic);
    if (!life) return undefined;
    if (to === Infinity && life.last !== undefined) return life.last;
    const { from, to: done } = before ?? { from: -1, to: -1 };
    const found = [...life.named.keys()].filter((name) =>
      life.isNamedFirst(name, from, to) && life.isThereAfter(name, done)
    );
    return found.length === 1 ? found[0] : undefined;
  }

  #told(event: Event & { type: "told" }, index: number, operations: Operations): void {
    switch (event.f) {
      case "topic":
        this.#life(event.topic).founded.set(event.incarnation, index);
        return this.#life(event.topic).name(event.incarnation, index);
      case "subscribe":
        return this.#follows(event.reader, event.topic, event.incarnation, index);
      case "assign":
        for (const [topic, _, __, incarnation] of event.partitions) {
          if (incarnation !== undefined) this.#follows(event.member, topic, incarnation, index);
        }
        return;
      case "poll":
        return this.#read(event, operations);
      case "log": {
        const life = this.#life(event.topic);
        life.name(event.incarnation, index);
        life.last = event.incarnation;
        life.lastRead = index;
        return;
      }
    }
  }

  #follows(reader: string, topic: string, incarnation: string, index: number): void {
    this.#followed.set(`${reader}\n${topic}`, incarnation);
    this.#life(topic).name(incarnation, index);
  }

  #read({ reader, topic, records }: Told<"poll">, { origins }: Operations): void {
    const incarnation = this.#followed.get(`${reader}\n${topic}`);
    if (incarnation === undefined) return;
    const { sent } = this.#life(topic);
    for (const [, value] of records) {
      const begun = origins.get(value)?.part.sending.tries[0]?.begun ?? -1;
      if (begun > (sent.get(incarnation) ?? -1)) sent.set(incarnation, begun);
    }
  }

  #life(topic: string): TopicLife {
    let life = this.#topics.get(topic);
    if (!life) this.#topics.set(topic, life = new TopicLife());
    return life;
  }
}
