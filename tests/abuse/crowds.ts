/** Abusers that are many: sockets that come, stay or go for nothing, and members of a group. */

import type { RawSocket } from "../support/raw_socket.ts";
import { OPCODE } from "../support/raw_socket.ts";
import type { Abuser, Site } from "./abuser.ts";
import { BOUNDS } from "./bounds.ts";

export const neverCloses: Abuser = {
  does: "does what gets it closed, and never answers the close",
  lanes: { full: 500, small: 8 },
  bound: BOUNDS.sockets,
  async pass(site) {
    const socket = await site.open();
    await socket.sendTexts('{"type":"heartbeat"}'); // which is no hello
    site.gets(`closed ${await socket.closeCode()}`);
    site.inForce();
    while (await socket.next());
    site.gets("cut off");
    site.close(socket);
  },
};

export const silent: Abuser = {
  does: "shakes hands and says nothing; closed, it comes again",
  lanes: { full: 5_000, small: 20 },
  bound: BOUNDS.sockets,
  async pass(site) {
    const socket = await site.open();
    site.inForce();
    site.gets(`closed ${await socket.closeCode()}`);
    site.close(socket);
  },
};

export const halfOpen: Abuser = {
  does: "connects and does not even ask for a socket; cut off, it comes again",
  lanes: { full: 5_000, small: 20 },
  bound: BOUNDS.sockets,
  async pass(site) {
    const socket = await site.connect();
    site.inForce();
    const head = await socket.head();
    site.gets(head.split("\r\n", 1)[0] || "cut off");
    site.close(socket);
  },
};

export const connectClose: Abuser = {
  does: "shakes hands and goes, half of them without a close, as fast as it can",
  lanes: { full: 32, small: 4 },
  bound: BOUNDS.changingSockets,
  async pass(site) {
    const rude = await site.open();
    site.close(rude);
    const polite = await site.open();
    await polite.send({ opcode: OPCODE.close });
    await polite.closeCode();
    site.close(polite);
    site.gets("handshakes", 2);
    site.inForce();
  },
};

/** Memberships that one session may have. */
const MEMBERSHIPS = 128;

export const endlessGroup: Abuser = {
  does: `joins a group ${MEMBERSHIPS} times and leaves it as often, without end`,
  lanes: { full: 79, small: 1 },
  bound: BOUNDS.members,
  async pass(site) {
    const socket = await site.greet();
    try {
      for (let id = 2; !site.closed;) {
        const joined = await asksAll(site, socket, MEMBERSHIPS, () => ({
          type: "join",
          id: id++,
          group: "crowd",
          topics: ["crowded"],
        }));
        await asksAll(site, socket, joined.length, (i) => ({
          type: "leave",
          id: id++,
          subscription: joined[i],
        }));
        site.inForce();
      }
    } finally {
      site.close(socket);
    }
  },
};

/** Sends so many requests at once, takes their replies, and returns the subscriptions in them. */
async function asksAll(
  site: Site,
  socket: RawSocket,
  count: number,
  frame: (i: number) => { readonly type: string; readonly id: number },
): Promise<number[]> {
  const frames = Array.from({ length: count }, (_, i) => frame(i));
  await socket.sendTexts(...frames.map((frame) => JSON.stringify(frame)));
  const subscriptions: number[] = [];
  for (let answered = 0; answered < count;) {
    for (const reply of await nextFrames(socket)) {
      if (reply.type === "ping") await socket.sendTexts('{"type":"heartbeat"}');
      if (reply.id === undefined) continue;
      answered++;
      site.gets(reply.code ?? `${frames[0]?.type} ok`);
      if (reply.subscription !== undefined) subscriptions.push(reply.subscription);
    }
  }
  return subscriptions;
}

interface Reply {
  readonly type: string;
  readonly id?: number;
  readonly code?: string;
  readonly subscription?: number;
}

const decoder = new TextDecoder();

async function nextFrames(socket: RawSocket): Promise<readonly Reply[]> {
  const message = await socket.next();
  if (!message) throw new Error("cut off");
  if (message.opcode === OPCODE.close) {
    throw new Error(`closed ${new DataView(message.payload.buffer).getUint16(0)}`);
  }
  const parsed = JSON.parse(decoder.decode(message.payload));
  return Array.isArray(parsed) ? parsed : [parsed];
}
