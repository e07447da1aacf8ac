/** Abusers that let the gateway send and do not take it. */

import type { RawSocket } from "../support/raw_socket.ts";
import type { Abuser, Site } from "./abuser.ts";
import { BOUNDS } from "./bounds.ts";

const TOPIC = "backlog";
/** Of one record: two of them fill a publish. */
const VALUE_BYTES = 200_000;
const PUBLISHES = 10;
/**
 * How often one socket follows the same 4 MB: the system takes up to 10 MB for one that reads nothing,
 * and only what is beyond that waits in the gateway.
 */
const SUBSCRIPTIONS = 20;
const SIGN_OF_LIFE_MS = 1_000;

/** The most that a frame can say. */
const ENDLESS = { records: Number.MAX_SAFE_INTEGER, bytes: Number.MAX_SAFE_INTEGER };
const PLENTY = { records: 100_000 };

export const stoppedReader: Abuser = {
  does: `asks for ${SUBSCRIPTIONS} × 4 MB and reads nothing`,
  lanes: { full: 50, small: 4 },
  bound: BOUNDS.readers,
  prepare: publishBacklog,
  async pass(site) {
    const socket = await follow(site, PLENTY);
    await showLifeUntilCutOff(site, socket, []);
  },
};

export const byteASecond: Abuser = {
  does: `asks for ${SUBSCRIPTIONS} × 4 MB and reads a byte a second`,
  lanes: { full: 50, small: 4 },
  bound: BOUNDS.readers,
  prepare: publishBacklog,
  async pass(site) {
    const socket = await follow(site, PLENTY);
    while (!site.closed) {
      await site.sleep(SIGN_OF_LIFE_MS);
      if (!await socket.takeByte()) break;
      await socket.sendTexts('{"type":"heartbeat"}');
    }
    site.gets("ended");
    site.close(socket);
  },
};

export const endlessCredit: Abuser = {
  does: `asks for ${SUBSCRIPTIONS} × 4 MB with a credit of 2^53-1, adds as much, reads nothing`,
  lanes: { full: 50, small: 4 },
  bound: BOUNDS.readers,
  prepare: publishBacklog,
  async pass(site) {
    const socket = await follow(site, ENDLESS);
    const more = Array.from(
      { length: SUBSCRIPTIONS },
      (_, i) => JSON.stringify({ type: "credit", subscription: i + 1, ...ENDLESS }),
    );
    await showLifeUntilCutOff(site, socket, more);
  },
};

async function follow(site: Site, credit: object): Promise<RawSocket> {
  const socket = await site.greet();
  await socket.sendTexts(...Array.from(
    { length: SUBSCRIPTIONS },
    (_, i) =>
      JSON.stringify({ type: "subscribe", id: 2 + i, topic: TOPIC, from: "earliest", credit }),
  ));
  site.inForce();
  return socket;
}

/** Whoever does not read learns of its end when it writes. */
async function showLifeUntilCutOff(
  site: Site,
  socket: RawSocket,
  texts: readonly string[],
): Promise<void> {
  try {
    while (!site.closed) {
      await site.sleep(SIGN_OF_LIFE_MS);
      await socket.sendTexts('{"type":"heartbeat"}', ...texts);
    }
  } finally {
    site.close(socket);
  }
}

/** Once for all abusers of a gateway. */
async function publishBacklog(site: Site): Promise<void> {
  const topic = await fetch(`http://127.0.0.1:${site.port}/v1/topics/${TOPIC}`);
  await topic.body?.cancel();
  if (topic.ok) return;
  const socket = await site.greet();
  const record = { value: "x".repeat(VALUE_BYTES), partition: 0 };
  for (let id = 2; id < 2 + PUBLISHES; id++) {
    await socket.sendTexts(
      JSON.stringify({ type: "publish", id, topic: TOPIC, records: [record, record] }),
    );
    await socket.next();
  }
  site.close(socket);
}
