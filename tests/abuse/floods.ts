/** Abusers that send more than they may, or more than it is good for. */

import { OPCODE, type RawSocket } from "../support/raw_socket.ts";
import type { Abuser, Site } from "./abuser.ts";
import { BOUNDS } from "./bounds.ts";

const FRAMES_A_MESSAGE = 64;
/** Requests that a session may have open, as `hello` says it. */
const IN_FLIGHT = 1_024;

export const flood: Abuser = {
  does: `keeps ${100 * IN_FLIGHT} publishes open at a time, where ${IN_FLIGHT} are allowed`,
  lanes: { full: 8, small: 1 },
  bound: BOUNDS.publishers,
  async pass(site) {
    const open = (site.size === "full" ? 100 : 2) * IN_FLIGHT;
    await publishes(site, { open, records: '{"value":1}', topic: "flood" });
  },
};

export const publishStorm: Abuser = {
  does: "publishes 100 records at a time to one partition, 64 times at once, as fast as it can",
  lanes: { full: 16, small: 1 },
  bound: BOUNDS.publishers,
  async pass(site) {
    const records = Array(100).fill('{"value":1,"partition":0}').join();
    await publishes(site, { open: 64, records, topic: "stormy" });
  },
};

interface Publishing {
  /** That are unanswered at a time. */
  readonly open: number;
  /** What stands between the brackets. */
  readonly records: string;
  readonly topic: string;
}

/** Publishes until the socket ends, whatever is answered. */
async function publishes(site: Site, { open, records, topic }: Publishing): Promise<void> {
  const socket = await site.greet();
  const perMessage = Math.min(FRAMES_A_MESSAGE, open / 8);
  let id = 2;
  let unanswered = 0;
  const frame = () => `{"type":"publish","id":${id++},"topic":"${topic}","records":[${records}]}`;
  const sendMore = async () => {
    while (unanswered + perMessage <= open) {
      unanswered += perMessage;
      await socket.sendTexts(`[${Array.from({ length: perMessage }, frame).join()}]`);
    }
  };
  site.inForce();
  let sending = quietly(sendMore());
  try {
    for await (const replies of repliesOf(site, socket)) {
      unanswered -= replies;
      sending = sending.then(() => quietly(sendMore()));
    }
  } finally {
    site.close(socket);
    await sending;
  }
}

/** Resolves as well where the socket ends before all is sent: its replies tell of that. */
async function quietly(sending: Promise<void>): Promise<void> {
  try {
    await sending;
  } catch {
    // Nothing more can be sent.
  }
}

/** A little less than a message may have; and a little more than a subscription may. */
const KEYS = { full: 100_000, small: 101 };
/** One more than are refused before the socket is closed. */
const REFUSED = 101;

export const tooManyKeys: Abuser = {
  does: `subscribes to ${KEYS.full} keys, ${REFUSED} times; closed, it comes again`,
  lanes: { full: 4, small: 1 },
  bound: BOUNDS.invalid,
  async pass(site) {
    const socket = await site.greet();
    site.inForce();
    const sending = quietly(subscribeAgain(socket, KEYS[site.size]));
    try {
      for await (const _ of repliesOf(site, socket));
    } finally {
      site.close(socket);
      await sending;
    }
  },
};

async function subscribeAgain(socket: RawSocket, count: number): Promise<void> {
  const keys = Array.from({ length: count }, (_, i) => `k${i}`);
  const text = JSON.stringify({ type: "subscribe", id: 2, topic: "keyed", keys });
  for (let i = 0; i < REFUSED; i++) await socket.sendTexts(text);
}

const decoder = new TextDecoder();

/** Counts what comes until the socket ends; yields how many replies each message had. */
async function* repliesOf(site: Site, socket: RawSocket): AsyncGenerator<number> {
  while (true) {
    const message = await socket.next();
    if (!message) return site.gets("ended");
    if (message.opcode === OPCODE.close) {
      return site.gets(`closed ${new DataView(message.payload.buffer).getUint16(0)}`);
    }
    let replies = 0;
    for (const [, ok, code] of decoder.decode(message.payload).matchAll(REPLY)) {
      site.gets(ok ? "ok" : code ?? "");
      replies++;
    }
    yield replies;
  }
}

/** Replies are told from pushes by what they are, and not parsed: the gateway is what is measured. */
const REPLY = /"type":"(ok)"|"code":"(\w+)"/g;
