/**
 * The limits of the gateway, with reasons. Those that clients may need to know are in `ADVERTISED`,
 * and are sent in the reply to `hello`. Sizes of internal caches are with the caches.
 */

import { assert } from "./assert.ts";

const KiB = 1024;
const MiB = 1024 * KiB;

/** Limits of Deno KV and of `denokv` that shape how the log is written. */
export const STORE = {
  /** A value may have 65,536 bytes; the rest is the overhead of their encoding. */
  valueBytes: 65_000,
  /** One atomic write takes 819,200 bytes with keys and overhead. */
  writeBytes: 760_000,
  mutations: 1_000,
  /** One atomic write takes 81,920 bytes of keys. */
  keyBytes: 80_000,
  /** 100 in Deno, 10 in `denokv`: 10, so that both take every write. */
  checks: 10,
  /** Keys that one read takes. */
  readKeys: 10,
  /** Keys that one watch takes. */
  watchKeys: 10,
  /** Entries that one scan takes. */
  scanEntries: 1_000,
  /** How long one call may take before its outcome counts as unknown. */
  callMs: 3_000,
} as const;

/** Sent to the client in the reply to `hello`. */
export const ADVERTISED = {
  /** One WebSocket message. A larger one closes the socket with 1009. */
  messageBytes: 1 * MiB,
  /** One record: UTF-8 of its key, its headers' names and values, and its value's JSON. */
  recordBytes: 256 * KiB,
  /** Records in one publish. */
  publishRecords: 1_000,
  /** Bytes of all records of one publish, so that it fits one atomic write. */
  publishBytes: 512 * KiB,
  /** Partitions that one publish may touch. */
  publishPartitions: 128,
  /** Offsets in one commit; fewer where the group's name is long. */
  commitOffsets: 900,
  /** Open requests of one session. */
  inFlight: 1_024,
  /** Live subscriptions and memberships of one session. */
  subscriptions: 128,
} as const;

export const SESSION = {
  helloMs: 5_000,
  /** How often a session's deadlines are checked, unless its heartbeat is below 2.5 s. */
  lookMs: 250,
  /** One message, and all messages together, until `hello` is answered. */
  helloMessageBytes: 8 * KiB,
  helloBytes: 64 * KiB,
  /** Partitions that all its subscriptions follow together: each takes about 400 bytes. */
  partitions: 16_384,
  /** Frames in one message, both ways. */
  framesPerMessage: 64,
  /** Open brackets in one message. */
  jsonDepth: 64,
  /** Members and elements in one message, outside records' values: each costs up to 4 µs. */
  jsonValues: 150_000,
  /** Invalid or unknown frames in any `invalidWindowMs` before the socket is closed with 4502. */
  invalidFrames: 100,
  invalidWindowMs: 10_000,
  /**
   * After exceeding a limit a client is not read for at least `restMs` each time, and at most
   * `restMaxMs` ahead, so that it can still use its allowed rate.
   */
  restMs: 50,
  restMaxMs: 1_000,
  /** The rate at which invalid frames are read: it may take 40 ms to find a large one invalid. */
  refusedBytesPerMs: 500,
  /** The rate at which partitions are subscribed to: each takes up to 15 µs. */
  subscribedPerMs: 32,
  /**
   * Bytes waiting for a client above which nothing more is pushed to it or read from it. After
   * `outboxFullMs` above it, the socket is closed (4002).
   */
  outboxBytes: 128 * KiB,
  outboxFullMs: 10_000,
  /** How long a disconnected peer may take to answer the close. */
  closeMs: 1_000,
  /** Bytes of records in one push at most, except for a single larger record. */
  pushBytes: 128 * KiB,
  /** Time in each turn of the event loop for all readers that are behind, together. */
  catchUpMs: 2,
  /**
   * The rate at which heartbeats check partitions, at 0.2 µs each. A session that follows a hundred
   * thousand of them and sends a heartbeat every five seconds still gets all changes each time.
   */
  headsPerMs: 200,
} as const;

export const CREDIT = {
  defaultRecords: 500,
  maxRecords: 100_000,
  maxBytes: 64 * MiB,
  /** How far back `onSlow: "latest"` looks for the last record of each key. */
  latestRecords: 10_000,
  latestBytes: 8 * MiB,
} as const;

export const PRODUCER = {
  /** Sequences remembered one by one, and publishes that may be unanswered. */
  window: 64,
  /** Epochs of a producer in a stripe whose publishes are remembered one by one. */
  histories: 4,
  /** Named producers given to a subject per second: each takes a write of its own. */
  namedPerSecond: 10,
  /** How long a producer is remembered after its last record. */
  keptMs: 24 * 3_600_000,
  /** By how much clocks of gateways may differ: twice the hour of a wrong time zone. */
  skewMs: 2 * 3_600_000,
} as const;

/** Tokens and subjects. */
export const IDENTITY = {
  tokenBytes: 4 * KiB,
  /** A secret for HS256 must be as long as the hash, or it could be guessed. */
  secretBytes: 32,
  /** By how much the clock of the token's issuer may differ. */
  skewMs: 60_000,
  /** How long a session keeps its rights after its token expires, to allow for renewal. */
  graceMs: 25_000,
  /** Characters of `sub`, the limit of OpenID Connect: it is part of keys in the store. */
  subjectLength: 255,
  /** The last second that a `Date` can represent. */
  latestExpiry: 8_640_000_000_000,
  /** The highest values that a token may have in `rate` and `sockets`. */
  rate: 1_000_000,
  sockets: 100_000,
  /** When a subject with too many sockets may retry. */
  retrySocketMs: 5_000,
  /** Subjects tracked before idle ones (no sockets, full buckets) are dropped. */
  subjects: 10_000,
} as const;

/** Sockets before their subject is known. Their number is limited in the settings. */
export const SOCKETS = {
  /** New ones per second and address, in the long run: bursts may have twice as many. */
  newPerAddress: 20,
  /** When one that was refused for their number may retry. */
  retryMs: 5_000,
  /** Addresses tracked before idle ones (no sockets, full buckets) are dropped. */
  addresses: 10_000,
  /** Trusted proxies in front of the gateway, at most. */
  trustedProxies: 16,
} as const;

/** Fetching public keys. */
export const JWKS = {
  callMs: 5_000,
  bytes: 256 * KiB,
  /** How often they are fetched while there are none at all. */
  retryMs: 5_000,
  /** How often they are fetched again, at most, for a key that is not among them. */
  againMs: 30_000,
  /** Older keys are used and fetched again, so that a withdrawn key stops being accepted. */
  freshMs: 600_000,
} as const;

/** Sessions that publish while too much waits for the store. */
export const MUTING = {
  /** How many have their turn in one tick: at least so many, unless too much waits, and at most. */
  fewest: 64,
  most: 4_096,
  /** What one may publish in its turn, which also ends after this time. */
  turnBytes: 8 * KiB,
  turnMs: 200,
  /**
   * How long one is muted at most; then one message of it is read. Of 20,000 sessions these are
   * fewer than can be stored, and no client takes a gateway for dead as soon, unless it has slept.
   */
  waitMs: 5_000,
} as const;

export const NAMES = {
  /** Characters of a topic, group, producer or instance name. */
  length: 200,
  keysPerSubscription: 100,
  topicsPerMember: 100,
} as const;

export const TOPIC = {
  partitions: 1_024,
  /** Partitions that share one head, unless the topic would then have more than `stripes` heads. */
  stripeWidth: 16,
  /** Heads of one topic, so that any publish fits one write's checks with two to spare. */
  stripes: 8,
} as const;

export const LOG = {
  /** Bytes of records in one atomic write, at most. */
  entryBytes: 640_000,
  /** Bytes in one read of the log, so that it never delays acknowledgements for long. */
  readBytes: 1 * MiB,
  /** Readers that are behind which read at a time. */
  readersAtOnce: 16,
  /**
   * While something is being written they rest so many times as long as reading took, but no longer
   * than this: then reading waits for the writes, and would fall behind them.
   */
  readersRest: 4,
  readersRestMs: 10,
  /** Memory for log entries that are cached for followers, all topics together. */
  cacheBytes: 32 * MiB,
  /** How long a publish may wait for the store before it is answered. */
  publishMs: 5_000,
  /** Pause before a failed read is repeated. */
  rereadMs: 100,
  /**
   * Memory of publishes waiting for the store above which sessions that send more are muted, and
   * above which more are `overloaded`.
   */
  behindBytes: 16 * MiB,
  queueBytes: 64 * MiB,
  /** When to send again what was: after so long, and so far apart, lest all come at once. */
  retryMs: 100,
  retryApartMs: 1_000,
  /** A snapshot of the producers' state is due after so many bytes of entries. */
  snapshotBytes: 16 * MiB,
  /** Producers checked for expiry per stripe and maintenance pass. */
  forgetProducers: 20_000,
  /**
   * When trimming by size, how much newer than the other stripes' oldest entry a trimmed one may
   * be, so that one write deletes several.
   */
  retentionApartMs: 10_000,
  /** How often retention runs; the protocol promises 10 s. */
  retentionEveryMs: 2_000,
  /** Writes that trim one topic before the next topic has its turn. */
  retentionWrites: 20,
  /** Keys in one background delete, and the pause after it. */
  deleteKeys: 500,
  /** Keys, read with their values, in the first page of a sweep; and pages at a time. */
  sweepKeys: 32,
  sweepPages: 50,
  /** Committed offsets in a page: so many fit one deleting write with the longest group names. */
  sweepOffsets: 300,
  deletePauseMs: 20,
  /** How long a deleted topic's tombstone stays: longer than any write can be in progress. */
  tombstoneKeptMs: 600_000,
} as const;

export const GROUP = {
  maxRevokeMs: 600_000,
  minSessionMs: 200,
  maxSessionMs: 24 * 3_600_000,
  metadataBytes: 4 * KiB,
  /** Commands that one transition of a group executes, and partitions that it assigns, at most. */
  stepsAtOnce: 400,
  /** Bytes of one commit with its metadata; and of those of the transactions in one write. */
  commitBytes: 400 * KiB,
  riderBytes: 64 * KiB,
  /** Bytes of a group's state, so that it fits one write with everything that goes with it. */
  stateBytes: 600_000,
  /** Bytes assumed for one more member; a join that finds no room is `overloaded`. */
  memberBytes: 300,
  /**
   * By how much a returning instance may exceed that limit, and how large the state may then
   * become.
   */
  returnBytes: 4 * KiB,
  returnedBytes: 650_000,
  /** How long a group rests after a transition: large ones then take a tenth of a core. */
  bytesPerMs: 2_000,
  /** Pause after a transition that failed. */
  againMs: 100,
  /** How long a named join may wait for its first look at who has its name. */
  joinMs: 1_000,
  /** How old the state may be that members are told. */
  freshMs: 100,
  /** Instances that return in one transition: each takes one of the write's checks. */
  returnsAtOnce: 8,
} as const;

/** Limits of HTTP requests, and of connections before they have a session. */
export const HTTP = {
  /** Request line and headers together. */
  headerBytes: 8 * KiB,
  headers: 64,
  /** A path, and the whole URL of a socket. Queries of event streams carry tokens and positions. */
  urlBytes: 2 * KiB,
  /** Time limits for the headers, and for the whole request, to arrive. */
  headersMs: 10_000,
  requestMs: 30_000,
  keepAliveMs: 15_000,
  /** How long an answered connection may be silent: event streams send comments more often. */
  stillMs: 30_000,
  /** Unanswered requests of one connection, including the one that is being answered. */
  pipelinedRequests: 16,
  /** The body of one request, decoded. */
  bodyBytes: 1 * MiB,
  /** Of one WebSocket message; and network chunks that wait for the rest of a frame. */
  fragments: 1_024,
  bufferedChunks: 16_384,
  /** Pongs waiting for a peer that does not read; beyond that its socket is cut. */
  pendingPongs: 60,
  /** Partitions that an event stream follows unless it names them: each event's id has them all. */
  eventPartitions: 128,
  /** Bytes waiting for a reader of an event stream above which it stops reading the log. */
  eventBytes: 64 * KiB,
  /** When readers of an ended stream reconnect, and over how long they are spread. */
  eventRetryMs: 1_000,
  eventRetrySpreadMs: 4_000,
  /** Between comments that keep an event stream alive. */
  eventCommentMs: 15_000,
  /** Bytes received on a socket that wait until its session takes more. */
  heldBytes: 4 * MiB,
  /** How long a refusal of a socket is delayed; and how many are delayed at a time. */
  refusalMs: 1_000,
  refusalsHeld: 1_000,
  /** How long a platform socket may take to open: the platform does not report a lost peer. */
  openMs: 5_000,
  /** How long the closing handshake of a socket may take before it is cut. */
  closeMs: 5_000,
  /** How long responses and handshakes may still take when the gateway stops. */
  farewellMs: 500,
} as const;

/** Several gateways on one store. */
export const PEERS = {
  /** Stripes, groups and topics in news: so many changes between two looks are not missed. */
  newsItems: 64,
  /** Bytes of news in a write, at most: a name has up to 200. */
  newsBytes: 16 * KiB,
  /** How often everyone's news are read, whether the watch fires or not. */
  lookMs: 1_000,
  /** Looks without new news after which a gateway is taken for dead. */
  looks: 3,
  /** How often everything in use is compared with the store, whatever news came. */
  checkMs: 10_000,
  /** How long a watch is trusted before it is started again. */
  watchMs: 60_000,
  /** Dead gateways that are remembered, at most. */
  deadKept: 1_000,
  /** How often the states of groups with members here are read. */
  groupsMs: 5_000,
} as const;

/** How often deadlines are checked, and so their precision. */
export const TICK_MS = 50;

/** After so long without a tick, nothing was read either: clients are not blamed for that time. */
export const LATE_MS = 1_000;

/** Time between two clients that a draining gateway sends away: the others get 200 a second. */
export const DRAIN_APART_MS = 5;

assert(HTTP.stillMs > HTTP.eventCommentMs, "an event stream that is idle must be kept");
assert(TOPIC.stripes + 2 <= STORE.checks, "a publish over a whole topic must leave two checks");
assert(LOG.entryBytes + 100_000 <= STORE.writeBytes, "an entry must fit one write with its heads");
assert(
  GROUP.returnedBytes + 100_000 <= STORE.writeBytes,
  "a group must fit one write with its keys",
);
assert(ADVERTISED.publishBytes <= LOG.entryBytes, "a publish must fit one entry");
assert(ADVERTISED.recordBytes <= ADVERTISED.publishBytes, "a record must fit one publish");
