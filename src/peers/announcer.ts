/**
 * Writes the news of this gateway, as the last source of the journal: along with every append and
 * commit, or alone when they are due for renewal or there is something else to announce. The others
 * take a gateway for dead when its news stop changing, and delete them; every write of the journal
 * checks them, so a gateway that was taken for dead writes nothing before it notices.
 */

import { assert } from "../assert.ts";
import type { Clock } from "../host/host.ts";
import { PEERS } from "../limits.ts";
import type { Part, Room, Source } from "../log/journal.ts";
import { keys } from "../store/keys.ts";
import type { Store } from "../store/store.ts";
import { decodeNews, encodeNews, type NewsBoard } from "./news.ts";

/** What the announcer finds out about its own gateway. */
export interface AnnouncerListener {
  /** Others took this gateway for dead, and gave its partitions to other members. */
  expelled(): void;
  /** The news were stored. `at`: a time before the write, on the monotonic clock. */
  renewed(at: number): void;
}

export interface AnnouncerOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly gateway: string;
  readonly board: NewsBoard;
}

export class Announcer implements Source {
  /** The room that it needs in every write. */
  static readonly room: Room = {
    checks: 1,
    mutations: 1,
    bytes: PEERS.newsBytes,
    keyBytes: 200,
  };
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #gateway: string;
  readonly #board: NewsBoard;
  readonly #listener: AnnouncerListener;
  #version: string | null = null;
  #isDue = false;

  constructor(
    { store, clock, gateway, board }: AnnouncerOptions,
    listener: AnnouncerListener,
  ) {
    this.#store = store;
    this.#clock = clock;
    this.#gateway = gateway;
    this.#board = board;
    this.#listener = listener;
  }

  /** The news must be written, even if nothing else is. */
  due(): void {
    this.#isDue = true;
  }

  take(_room: Room, parts: readonly Part[]): Part | undefined {
    if (!this.#isDue && parts.length === 0) return undefined;
    this.#isDue = false;
    for (const { grown = [] } of parts) for (const place of grown) this.#board.stripe(place);
    const key = keys.news(this.#gateway);
    const news = this.#board.next();
    const value = encodeNews(news);
    // The others count the lease from when they see the news, which may be as early as now.
    const at = this.#clock.monotonic();
    assert(value.length <= PEERS.newsBytes, "news fit what is kept free for them");
    return {
      checks: [{ key, version: this.#version }],
      mutations: [{ type: "set", key, value }],
      bytes: value.length,
      evidence: { key, holds: (value) => decodeNews(value).counter === news.counter },
      stored: (version) => {
        this.#version = version;
        this.#listener.renewed(at);
        return () => {};
      },
      refused: async () => {
        this.#isDue = true;
        const [entry] = await this.#store.read([key]);
        assert(entry, "a read answers every key");
        if (entry.version === this.#version) return;
        this.#version = entry.version;
        this.#listener.expelled();
      },
      overdue: () => {},
    };
  }

  /** Deletes the news, so that the others do not wait for the lease to expire. */
  async leave(): Promise<void> {
    const key = keys.news(this.#gateway);
    const checks = [{ key, version: this.#version }];
    await this.#store.write({ checks, mutations: [{ type: "delete", key }] });
  }
}
