/// <reference lib="deno.worker" />
/**
 * A part of the clients, in a worker: with a loop and a heap of its own, so that thousands of them
 * share the machine's cores. Each follows its key. It is told `CrowdOrder`s, and tells `CrowdNews`.
 */

import { Balancer } from "./balancer.ts";
import { Follower, type FollowerPort } from "./follower.ts";
import { type CrowdOptions, type CrowdOrder, keyOf, noNews } from "./news.ts";

const NEWS_EVERY_MS = 100;
/** Clients that connect at a time when the run begins: that is no storm yet. */
const AT_ONCE = 50;

let news = noNews();
let balancer: Balancer | undefined;

const port: FollowerPort = {
  opening: (gateway) => news.openings.push([Date.now(), gateway]),
  stands: (client, gateway, awayMs) => news.stood.push([Date.now(), client, gateway, awayMs]),
  came: (client, afterMs) => news.came.push([client, afterMs]),
  cameAgain: () => news.again++,
  turnedAway: (reason) => news.turnedAway.push(reason),
};

async function begin({ topic, keys, from, to, seed }: CrowdOptions): Promise<void> {
  const shared = balancer = new Balancer(seed);
  setInterval(() => {
    self.postMessage(news);
    news = noNews();
  }, NEWS_EVERY_MS);
  for (let next = from; next < to; next += AT_ONCE) {
    const clients = Array.from({ length: Math.min(AT_ONCE, to - next) }, (_, i) => next + i);
    await Promise.all(clients.map((client) => {
      const key = keyOf(client, keys);
      return new Follower({ client, topic, key, balancer: shared }, port).start();
    }));
  }
}

self.onmessage = ({ data }: MessageEvent<CrowdOrder>) => {
  if ("begin" in data) begin(data.begin);
  else if (balancer) balancer.up = data.up;
};
