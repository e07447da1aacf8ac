/**
 * Gateways as processes over one `denokv`: each reaches the store through its own link, and clients
 * reach them all through one.
 */

import { Denokv } from "../support/denokv.ts";
import { Gateway } from "../support/gateway.ts";
import type { Surroundings } from "../sim/world.ts";
import { Link, type Weather, WEATHERS } from "./link.ts";

export const LEASE_MS = 2_000;
export const SESSION_TIMEOUT_MS = 4_000;

interface Post {
  readonly link: Link;
  gateway: Gateway | undefined;
  stopped: boolean;
}

/** How often each thing was done. */
export interface Deeds {
  /** Gateways killed. */
  kills: number;
  /** Gateways stopped for a while. */
  pauses: number;
  /** Links to the store that lost, broke or delayed everything for a while. */
  partitions: number;
  /** Gateways told to stop. */
  drains: number;
  storeKills: number;
  /** Connections of clients that were reset. */
  resets: number;
  /** Gateways that have ended, for whatever reason. */
  ended: number;
}

export class Fleet {
  readonly denokv: Denokv;
  /** What clients connect to. */
  readonly door: Link;
  readonly deeds: Deeds = {
    kills: 0,
    pauses: 0,
    partitions: 0,
    drains: 0,
    storeKills: 0,
    resets: 0,
    ended: 0,
  };
  readonly #world: Surroundings;
  readonly #posts: readonly Post[];
  #calm = false;

  private constructor(world: Surroundings, denokv: Denokv, links: readonly Link[], door: Link) {
    this.#world = world;
    this.denokv = denokv;
    this.#posts = links.map((link) => ({ link, gateway: undefined, stopped: false }));
    this.door = door;
  }

  static async start(world: Surroundings, count: number): Promise<Fleet> {
    const denokv = await Denokv.start();
    const port = Number(new URL(denokv.url).port);
    const { random } = world;
    const links = await Promise.all(
      Array.from({ length: count }, () => Link.open(() => port, random)),
    );
    const door = await Link.open((): number | undefined => fleet.#anyGateway()?.port, random);
    const fleet = new Fleet(world, denokv, links, door);
    await Promise.all(fleet.#posts.map((post) => fleet.#staff(post)));
    return fleet;
  }

  /** One fault after another, until `calm`. */
  async torment(): Promise<void> {
    const { deeds } = this;
    while (!this.#calm) {
      const what = this.#world.random();
      const post = this.#world.pick(this.#posts);
      if (what < 0.12) {
        if (post.gateway) deeds.kills++;
        post.gateway?.signal("SIGKILL");
      } else if (what < 0.27) {
        this.#pause(post, this.#world.between(200, 3 * LEASE_MS));
      } else if (what < 0.5) {
        this.#storm(post, this.#world.pick(WEATHERS), this.#world.between(200, 2.5 * LEASE_MS));
      } else if (what < 0.55) {
        if (post.gateway) deeds.drains++;
        post.gateway?.signal("SIGTERM");
      } else if (what < 0.58) {
        deeds.storeKills++;
        await this.denokv.restart();
      } else if (what < 0.9) {
        if (this.door.cutOne()) deeds.resets++;
      }
      await this.#world.sleep(this.#world.between(100, 1_200));
    }
  }

  /** Ends the faults, and undoes them. */
  async calm(): Promise<void> {
    this.#calm = true;
    for (const post of this.#posts) {
      post.link.weather = "fair";
      if (post.stopped) post.gateway?.signal("SIGCONT");
      post.stopped = false;
    }
    while (this.#posts.some(({ gateway }) => !gateway)) await this.#world.sleep(100);
  }

  async stop(): Promise<void> {
    this.#calm = true;
    this.door.close();
    for (const post of this.#posts) {
      const { gateway } = post;
      post.gateway = undefined;
      await gateway?.[Symbol.asyncDispose]();
      post.link.close();
    }
    await this.denokv[Symbol.asyncDispose]();
  }

  /** One that is up and not stopped, chosen as a balancer with health checks would. */
  #anyGateway(): Gateway | undefined {
    const up = this.#posts.filter(({ gateway, stopped }) => gateway && !stopped);
    return up.length > 0 ? this.#world.pick(up).gateway : undefined;
  }

  /** Runs a gateway there, and starts another whenever it ends. */
  async #staff(post: Post): Promise<void> {
    const gateway = await this.#start(post);
    post.gateway = gateway;
    this.#world.trace(`a gateway listens on ${gateway.port}`);
    this.#watch(post, gateway);
  }

  async #watch(post: Post, gateway: Gateway): Promise<void> {
    await gateway.ended();
    if (post.gateway !== gateway) return;
    this.deeds.ended++;
    this.#world.trace(`the gateway on ${gateway.port} ended`);
    post.gateway = undefined;
    await this.#world.sleep(this.#world.between(100, 1_500));
    await this.#staff(post);
  }

  /** A start that fails because of the store's link is retried, as a process manager does. */
  async #start(post: Post): Promise<Gateway> {
    for (;;) {
      try {
        return await Gateway.start({
          ...this.denokv.environment,
          WEIR_STORE: `http://127.0.0.1:${post.link.port}`,
          WEIR_LEASE_MS: String(LEASE_MS),
          WEIR_HEARTBEAT_MS: "1000",
          WEIR_SESSION_TIMEOUT_MS: String(SESSION_TIMEOUT_MS),
        });
      } catch (error) {
        this.#world.trace(`a start failed: ${error}`);
        await this.#world.sleep(500);
      }
    }
  }

  async #pause(post: Post, ms: number): Promise<void> {
    const { gateway } = post;
    if (!gateway || post.stopped) return;
    this.deeds.pauses++;
    post.stopped = true;
    gateway.signal("SIGSTOP");
    await this.#world.sleep(ms);
    if (!post.stopped) return;
    post.stopped = false;
    gateway.signal("SIGCONT");
  }

  async #storm(post: Post, weather: Weather, ms: number): Promise<void> {
    if (post.link.weather !== "fair") return;
    this.deeds.partitions++;
    post.link.weather = weather;
    await this.#world.sleep(ms);
    post.link.weather = "fair";
  }
}
