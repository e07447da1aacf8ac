/**
 * The limits of the gateway, with reasons. What a client may need to know is in `ADVERTISED` and
 * goes out with the reply to `hello`. Sizes of internal caches stand beside the caches.
 */

import { assert } from "./assert.ts";

const KiB = 1024;
const MiB = 1024 * KiB;

/** Limits of Deno KV and of `denokv` that shape how the log is written. */
export const STORE = {
  /** A value may have 65,536 bytes; the rest is what the encoding of bytes adds. */
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

/** What `hello` tells the client. */
export const ADVERTISED = {
  /** One WebSocket message. Larger: the socket is closed with 1009. */
  messageBytes: 1 * MiB,
  /** One record: UTF-8 of its key, its headers' names and values, and its value's JSON. */
  recordBytes: 256 * KiB,
  /** Records in one publish. */
  publishRecords: 1_000,
  /** The records of one publish together, so that it fits one atomic write. */
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
  /** One message, and all of them together, until `hello` is answered. */
  helloMessageBytes: 8 * KiB,
  helloBytes: 64 * KiB,
  /** Partitions that its subscriptions follow in all: each takes about 400 bytes. */
  partitions: 16_384,
  /** Frames in one message, both ways. */
  framesPerMessage: 64,
  /** Open brackets in one message. */
  jsonDepth: 64,
  /** Members and elements in one message, without records' values: each costs up to 4 µs. */
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
  /** How fast invalid frames are read: to find a large one invalid may take 40 ms. */
  refusedBytesPerMs: 500,
  /** How fast partitions are subscribed to: each takes up to 15 µs. */
  subscribedPerMs: 32,
  /**
   * Bytes that wait for a client, above which nothing more is pushed to it or read from it. After
   * `outboxFullMs` above it, the socket is closed (4002).
   */
  outboxBytes: 128 * KiB,
  outboxFullMs: 10_000,
  /** How long a peer that is cut off may take to answer the close. */
  closeMs: 1_000,
  /** Most bytes of records in one push, but for a single larger record. */
  pushBytes: 128 * KiB,
  /** Time in each turn of the event loop for readers that are behind, all together. */
  catchUpMs: 2,
  /**
   * How fast heartbeats look at partitions, at 0.2 µs each. Who follows a hundred thousand of them
   * and sends a heartbeat every five seconds still gets all changes each time.
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
  /** Sequences that are known one by one, and publishes that may be unanswered. */
  window: 64,
  /** Epochs of one producer whose publishes are known one by one in a stripe. */
  histories: 4,
  /** With a name, that a subject is given a second: each is a write of its own. */
  namedPerSecond: 10,
  /** How long a producer is known after its last record. */
  keptMs: 24 * 3_600_000,
  /** By how much clocks of gateways may differ: an hour, as with a wrong time zone, twice. */
  skewMs: 2 * 3_600_000,
} as const;

/** Tokens, and who shows them. */
export const IDENTITY = {
  tokenBytes: 4 * KiB,
  /** A secret for HS256 is as long as what it makes, or it can be guessed. */
  secretBytes: 32,
  /** By how much the clock of whoever made a token may differ. */
  skewMs: 60_000,
  /** How long a session keeps its rights after its token's end: time to renew it. */
  graceMs: 25_000,
  /** Characters of `sub`, as OpenID Connect has it: it is part of keys in the store. */
  subjectLength: 255,
  /** The last second that a date can have. */
  latestExpiry: 8_640_000_000_000,
  /** Most that a token may allow in its `rate` and `sockets`. */
  rate: 1_000_000,
  sockets: 100_000,
  /** When a subject with too many sockets may try again. */
  retrySocketMs: 5_000,
  /** Subjects tracked before idle ones (no sockets, full buckets) are dropped. */
  subjects: 10_000,
} as const;

/** Sockets, before anybody knows whose they are. How many there may be is in the settings. */
export const SOCKETS = {
  /** New ones a second from one address; on the long run, since twice that may be saved up. */
  newPerAddress: 20,
  /** When one that was refused for their number may try again. */
  retryMs: 5_000,
  /** Addresses tracked before idle ones (no sockets, full buckets) are dropped. */
  addresses: 10_000,
  /** Proxies in front of the gateway whose word counts, at most. */
  trustedProxies: 16,
} as const;

/** Where public keys are asked for. */
export const JWKS = {
  callMs: 5_000,
  bytes: 256 * KiB,
  /** While there are none at all, how often they are asked for. */
  retryMs: 5_000,
  /** For a key that is not among them they are asked for again at most every so often. */
  againMs: 30_000,
  /** Older keys are used and fetched again, so that a withdrawn key stops being accepted. */
  freshMs: 600_000,
} as const;

export const NAMES = {
  /** Characters of a topic, group, producer or instance name. */
  length: 200,
  keysPerSubscription: 100,
  topicsPerMember: 100,
} as const;

export const TOPIC = {
  partitions: 1_024,
  /** Partitions that share one head, but for topics that would then have over `stripes` heads. */
  stripeWidth: 16,
  /** Heads of one topic, so that any publish fits one write's checks with two to spare. */
  stripes: 8,
} as const;

export const LOG = {
  /** Bytes of records that one atomic write carries at most. */
  entryBytes: 640_000,
  /** Bytes that one read of the log takes, so that it never blocks acknowledgements for long. */
  readBytes: 1 * MiB,
  /** Memory for entries of the log that are kept for followers, all topics together. */
  cacheBytes: 32 * MiB,
  /** How long a publish may wait for the store before it is answered. */
  publishMs: 5_000,
  /** Pause before what could not be read is read once more. */
  rereadMs: 100,
  /** Memory of publishes that wait for the store, above which new ones are `overloaded`. */
  queueBytes: 64 * MiB,
  /** A snapshot of what is known of producers is due after so many bytes of entries. */
  snapshotBytes: 16 * MiB,
  /** Producers checked for expiry per stripe and maintenance pass. */
  forgetProducers: 20_000,
  /**
   * When trimming by size, how much newer than the other stripes' oldest entry a trimmed one may
   * be, so that one write deletes several.
   */
  retentionApartMs: 10_000,
  /** How often retention looks; the protocol promises 10 s. */
  retentionEveryMs: 2_000,
  /** Writes that trim one topic before the next topic has its turn. */
  retentionWrites: 20,
  /** Keys that one background delete takes, and the pause behind it. */
  deleteKeys: 500,
  /** Keys, with their values, of the first page of a sweep; and pages at a time. */
  sweepKeys: 32,
  sweepPages: 50,
  /** Committed offsets in a page: one write deletes so many with the longest group names. */
  sweepOffsets: 300,
  deletePauseMs: 20,
  /** How long a deleted topic's tombstone stays: longer than any write is under way. */
  tombstoneKeptMs: 600_000,
} as const;

export const GROUP = {
  maxRevokeMs: 600_000,
  minSessionMs: 200,
  maxSessionMs: 24 * 3_600_000,
  metadataBytes: 4 * KiB,
  /** Commands that one transition of a group carries out, and partitions that it gives, at most. */
  stepsAtOnce: 400,
  /** Bytes of one commit with its metadata; and of one that is part of a transaction. */
  commitBytes: 400 * KiB,
  riderBytes: 64 * KiB,
  /** Bytes of a group's state, so that one write takes it with all that goes with it. */
  stateBytes: 600_000,
  /** Bytes that one more member is assumed to need; a join that finds no room is `overloaded`. */
  memberBytes: 300,
  /** By how much a returning instance may make it larger, and how large it may become so. */
  returnBytes: 4 * KiB,
  returnedBytes: 650_000,
  /** How long a group rests after a transition: a large one takes a tenth of a core. */
  bytesPerMs: 2_000,
  /** Pause after a transition that failed. */
  againMs: 100,
  /** How long a named join may wait before it first sees who has its name. */
  joinMs: 1_000,
  /** How old a state may be when members are told of it. */
  freshMs: 100,
  /** Instances that come back in one transition: each takes one of the write's checks. */
  returnsAtOnce: 8,
} as const;

/** What a connection may do before it is a session, and a request over HTTP. */
export const HTTP = {
  /** Request line and headers together. */
  headerBytes: 8 * KiB,
  headers: 64,
  /** A path, and the whole URL of a socket. Queries of event streams have tokens and positions. */
  urlBytes: 2 * KiB,
  /** Until the headers, and until the whole request, must have come. */
  headersMs: 10_000,
  requestMs: 30_000,
  keepAliveMs: 15_000,
  /** How long an answered connection may be still: event streams send comments more often. */
  stillMs: 30_000,
  /** Requests of one connection that are unanswered, the one that is being answered included. */
  pipelinedRequests: 16,
  /** One request's body, decoded. */
  bodyBytes: 1 * MiB,
  /** Of one WebSocket message; and pieces from the network that wait for the rest of a frame. */
  fragments: 1_024,
  bufferedChunks: 16_384,
  /** Answers to pings that wait for a peer that does not read; its socket is cut beyond. */
  pendingPongs: 60,
  /** Partitions that an event stream follows without naming them: each event's id has them all. */
  eventPartitions: 128,
  /** Bytes that wait for a reader of an event stream before it stops reading the log. */
  eventBytes: 64 * KiB,
  /** After how long readers of an ended stream come back, and over how long all of them do. */
  eventRetryMs: 1_000,
  eventRetrySpreadMs: 4_000,
  /** Between comments that keep an event stream alive. */
  eventCommentMs: 15_000,
  /** What has come on a socket and waits until its session takes more. */
  heldBytes: 4 * MiB,
  /** How long a refusal of a socket is held back; and how many are held at most. */
  refusalMs: 1_000,
  refusalsHeld: 1_000,
  /** How long a socket of the platform may take to open: it does not report a lost peer. */
  openMs: 5_000,
  /** How long the closing handshake of a socket may take before it is cut. */
  closeMs: 5_000,
  /** How long answers and handshakes may still take when the gateway stops. */
  farewellMs: 500,
} as const;

/** Several gateways on one store. */
export const PEERS = {
  /** Stripes, groups and topics in news: so many changes between two looks are not missed. */
  newsItems: 64,
  /** What news take in a write, at most: a name has 200 bytes. */
  newsBytes: 16 * KiB,
  /** How often the news of all are read, whatever the watch says. */
  lookMs: 1_000,
  /** So many times a gateway is looked at before it is taken for dead. */
  looks: 3,
  /** How often what is in use is compared with the store, whatever news came. */
  checkMs: 10_000,
  /** How long a watch is trusted. */
  watchMs: 60_000,
  /** Dead gateways that are remembered. */
  deadKept: 1_000,
  /** How often groups are read whose members are at several gateways. */
  groupsMs: 5_000,
} as const;

/** How often deadlines are looked at: they are kept to within this. */
export const TICK_MS = 50;

/** After so long without a look nothing was read either: no client is blamed for that time. */
export const LATE_MS = 1_000;

/** Between two clients that a draining gateway sends away: 200 a second come to the others. */
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
