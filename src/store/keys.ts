/**
 * The whole keyspace: every kind of key that the gateway stores, with its value and lifetime. Data
 * of a topic is keyed by the topic's incarnation, so that it is never taken for data of a later
 * topic of the same name.
 *
 *     weir                                    store format, for ever
 *     n    gateway                            news of a gateway, while it lives
 *     t    topic                              topic, until it is deleted
 *     gone topic-id                           tombstone of a deleted topic, until its space is free
 *     h    topic-id stripe                    head: where the next entry goes, until deleted
 *     b    topic-id stripe                    trim point: where the log starts, until swept
 *     l    topic-id stripe entry chunk        the log, until retention passes it or swept
 *     s    topic-id stripe                    which snapshot of producers is whole, until swept
 *     s    topic-id stripe generation piece   the snapshot, until the next one is whole
 *     p    subject name                       named producer, for ever
 *     g    group                              root of a group's state, until the group is deleted
 *     g    group generation chunk             the state, until the next generation
 *     f    group member                       fence, as long as the member
 *     o    group topic-id partition           committed offset, until the group is deleted or the topic swept
 */

import type { Key } from "./store.ts";

export const keys = {
  store: (): Key => ["weir"],
  allNews: (): Key => ["n"],
  news: (gateway: string): Key => ["n", gateway],

  topics: (): Key => ["t"],
  topic: (name: string): Key => ["t", name],
  allTombstones: (): Key => ["gone"],
  tombstone: (topicId: string): Key => ["gone", topicId],

  head: (topicId: string, stripe: number): Key => ["h", topicId, stripe],
  trimsOf: (topicId: string): Key => ["b", topicId],
  trim: (topicId: string, stripe: number): Key => ["b", topicId, stripe],
  entriesOf: (topicId: string): Key => ["l", topicId],
  entries: (topicId: string, stripe: number): Key => ["l", topicId, stripe],
  entry: (topicId: string, stripe: number, entry: number, chunk: number): Key => [
    "l",
    topicId,
    stripe,
    entry,
    chunk,
  ],

  snapshotsOf: (topicId: string): Key => ["s", topicId],
  snapshot: (topicId: string, stripe: number): Key => ["s", topicId, stripe],
  snapshotPieces: (topicId: string, stripe: number, generation: string): Key => [
    "s",
    topicId,
    stripe,
    generation,
  ],
  snapshotPiece: (topicId: string, stripe: number, generation: string, piece: number): Key => [
    "s",
    topicId,
    stripe,
    generation,
    piece,
  ],

  producer: (subject: string, name: string): Key => ["p", subject, name],

  groups: (): Key => ["g"],
  group: (group: string): Key => ["g", group],
  groupChunks: (group: string, generation: number): Key => ["g", group, generation],
  groupChunk: (group: string, generation: number, chunk: number): Key => [
    "g",
    group,
    generation,
    chunk,
  ],
  fences: (group: string): Key => ["f", group],
  fence: (group: string, member: string): Key => ["f", group, member],
  allOffsets: (): Key => ["o"],
  offsetsOf: (group: string): Key => ["o", group],
  offsets: (group: string, topicId: string): Key => ["o", group, topicId],
  offset: (group: string, topicId: string, partition: number): Key => [
    "o",
    group,
    topicId,
    partition,
  ],
} as const;
