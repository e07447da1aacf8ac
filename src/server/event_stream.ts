/**
 * A stream of server-sent events: the same feed as that of a subscription, formatted as events, and
 * read only as fast as the connection takes them. It begins at the first read, so a response that
 * nobody reads holds no resources.
 */

import type { Feed, Sink } from "../fanout/feed.ts";
import {
  type FeedGap,
  type FeedRecords,
  type Piece,
  type PushFormat,
  textOf,
} from "../fanout/frames.ts";
import { encodedOf } from "../fanout/encoded_cache.ts";
import { HTTP, IDENTITY } from "../limits.ts";
import type { EventId } from "./event_position.ts";
import { retryLine } from "./event_retry.ts";

/** The maximum delay of a timer. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
/** About how many characters an event has besides its id and its record. */
const BESIDE_ID = 200;
const utf8 = new TextEncoder();
const text = new TextDecoder();

/** The text of an event. `data` may have line ends, as JSON may have between its tokens. */
export function eventText(event: string, id: string, data: string): string {
  return `event: ${event}\nid: ${id}\ndata: ${data.replace(/\r\n|\r|\n/g, "\ndata: ")}\n\n`;
}

/** Formats pushes as events, each with the position after it as its id. */
export class EventFormat implements PushFormat {
  readonly #id: EventId;

  constructor(id: EventId) {
    this.#id = id;
  }

  /** Limited since each event has the whole id, which may be longer than its record. */
  get mostRecords(): number {
    return Math.max(1, Math.floor(HTTP.eventBytes / (String(this.#id).length + BESIDE_ID)));
  }

  records({ topic, partition, pieces }: FeedRecords): string {
    let events = "";
    for (const piece of pieces) {
      for (const { offset, json } of recordsOf(piece)) {
        this.#id.move(partition, offset + 1);
        const data = `{"topic":"${topic.name}","partition":${partition},${json.slice(1)}`;
        events += eventText("record", String(this.#id), data);
      }
    }
    return events;
  }

  gap({ topic, partition, from, to, reason }: FeedGap): string {
    this.#id.move(partition, to);
    const data = JSON.stringify({ topic: topic.name, partition, from, to, reason });
    return eventText("gap", String(this.#id), data);
  }
}

/** The JSON of each record of a piece. */
function* recordsOf(piece: Piece): Generator<{ offset: number; json: string }> {
  const { section, from, to } = piece;
  const { ends } = encodedOf(section);
  const bytes = textOf(piece);
  const begins = from === 0 ? 0 : (ends[from - 1] as number) + 1;
  let at = 0;
  for (let i = from; i < to; i++) {
    const end = (ends[i] as number) - begins;
    yield { offset: section.base + i, json: text.decode(bytes.subarray(at, end)) };
    at = end + 1;
  }
}

export interface EventStreamOptions {
  /** The first events. */
  readonly opening: string;
  /** Starts the feed into the sink. */
  open(sink: Sink, topicDeleted: () => void): Feed;
  /** Ends the stream when it fires. */
  readonly leaving: AbortSignal;
  /** When the reader's token expires, on the wall clock: after a grace period the stream ends. */
  readonly expiresAt: number | undefined;
  /** Called once, when the stream has ended or its reader is gone: releases what it used. */
  ended(): void;
}

export class EventStream implements Sink {
  readonly body: ReadableStream<Uint8Array>;
  readonly #options: EventStreamOptions;
  #feed: Feed | undefined;
  #waiting: string[] = [];
  #length = 0;
  #ended = false;
  #wake: (() => void) | undefined;
  #comments: ReturnType<typeof setInterval> | undefined;
  #expiry: ReturnType<typeof setTimeout> | undefined;

  constructor(options: EventStreamOptions) {
    this.#options = options;
    this.#waiting.push(`${retryLine()}${options.opening}`);
    this.body = new ReadableStream({
      pull: (controller) => this.#pull(controller),
      cancel: () => {
        this.#close();
        this.#options.ended();
      },
    }, { highWaterMark: 0 });
  }

  get full(): boolean {
    return this.#length > HTTP.eventBytes;
  }

  push(event: string): void {
    this.#waiting.push(event);
    this.#length += event.length;
    this.#wake?.();
  }

  async #pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    this.#begin();
    while (this.#waiting.length === 0 && !this.#ended) {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    const events = this.#waiting.join("");
    this.#waiting = [];
    this.#length = 0;
    if (events !== "") controller.enqueue(utf8.encode(events));
    if (!this.#ended) return this.#feed?.resume();
    controller.close();
    this.#options.ended();
  }

  #begin(): void {
    if (this.#feed || this.#ended) return;
    const { leaving, expiresAt } = this.#options;
    if (expiresAt !== undefined) {
      const leftMs = expiresAt + IDENTITY.graceMs - Date.now();
      this.#expiry = setTimeout(this.#expire, Math.min(Math.max(0, leftMs), LONGEST_TIMER_MS));
    }
    this.#comments = setInterval(() => this.full || this.push(":\n\n"), HTTP.eventCommentMs);
    leaving.addEventListener("abort", this.#close);
    this.#feed = this.#options.open(this, this.#close);
    if (leaving.aborted) this.#close();
  }

  /**
   * Ends the stream and drops what waits. If it ends early, its reader resumes with the same token.
   */
  readonly #expire = (): void => {
    this.#waiting = [];
    this.#close();
  };

  /** Ends the stream after what waits is sent. */
  readonly #close = (): void => {
    if (this.#ended) return;
    this.#ended = true;
    clearInterval(this.#comments);
    clearTimeout(this.#expiry);
    this.#options.leaving.removeEventListener("abort", this.#close);
    this.#feed?.close();
    this.#wake?.();
  };
}
