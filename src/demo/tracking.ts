/**
 * The whole of driver tracking: drivers publish fixes, and three groups read them at their own
 * pace, the archive into a database that is slower than they are.
 */

import { type Client, connect } from "../client/mod.ts";
import { Archive } from "./archive.ts";
import { catchUp, consumersLine, Crew } from "./crew.ts";
import { Drivers } from "./drivers.ts";
import { FareMeter } from "./fare_meter.ts";
import type { Fix, Traffic } from "./fixes.ts";
import { GatewayApi } from "./gateway_api.ts";
import { Driven, isWhole, summarise, summaryLine, type Topics } from "./summary.ts";
import { Surge } from "./surge.ts";

const PARTITIONS = 8;
const SOCKETS = 8;

export interface TrackingOptions {
  /** One gateway, or several on the same store. */
  readonly urls: readonly string[];
  /** The folder of the archive's database. */
  readonly folder: string;
  /** Rows that the database takes per second. */
  readonly rowsPerSecond: number;
  readonly members: number;
  readonly tell?: (what: string) => void;
}

export class Tracking {
  readonly api: GatewayApi;
  readonly topics: Topics;
  readonly drivers: Drivers;
  readonly archive: Archive;
  readonly surge: Surge;
  readonly crews: readonly Crew[];
  readonly driven = new Driven();
  readonly #client: Client;

  private constructor(api: GatewayApi, topics: Topics, options: TrackingOptions) {
    const { urls, folder, rowsPerSecond, members, tell } = options;
    this.api = api;
    this.topics = topics;
    this.#client = connect(api.url);
    this.drivers = new Drivers(urls, topics.fixes, SOCKETS);
    this.archive = new Archive(topics.fixes, `${folder}/archive.sqlite3`);
    this.archive.rowsPerSecond = rowsPerSecond;
    this.surge = new Surge(topics.fixes);
    const meter = new FareMeter(api, topics.fixes, topics.rides);
    this.crews = [meter, this.surge, this.archive].map((work) => new Crew(urls, work, tell));
    for (const crew of this.crews) crew.start(members);
  }

  static async start(options: TrackingOptions): Promise<Tracking> {
    const api = new GatewayApi(options.urls[0] ?? "");
    const run = Date.now().toString(36);
    const topics = { fixes: `fixes-${run}`, rides: `rides-${run}`, partitions: PARTITIONS };
    for (const topic of [topics.fixes, topics.rides]) await api.makeTopic(topic, PARTITIONS);
    return new Tracking(api, topics, options);
  }

  async drive(traffic: Traffic, speed: number, signal?: AbortSignal): Promise<void> {
    const onFix = (fix: Fix) => this.driven.add(fix);
    await this.drivers.drive(traffic, { speed, onFix, ...signal && { signal } });
  }

  /** Throws the error that stopped a member, if any. */
  check(): void {
    for (const crew of this.crews) crew.check();
  }

  /**
   * Waits until everything is acknowledged and every group has caught up, with the database at full
   * speed.
   */
  async catchUp(): Promise<void> {
    await this.drivers.flush();
    this.archive.rowsPerSecond = undefined;
    this.archive.paused = false;
    await catchUp(this.api, this.crews);
  }

  /** The result in one line, and whether everything is there exactly once. */
  async count(): Promise<{ line: string; isWhole: boolean }> {
    const { api, topics, driven, archive, drivers: { acknowledged } } = this;
    const summary = await summarise(this.#client, api, topics, driven, archive);
    return {
      line: `${summaryLine(summary, acknowledged)}  ${consumersLine(this.crews)}`,
      isWhole: isWhole(summary),
    };
  }

  async close(): Promise<void> {
    for (const crew of this.crews) crew.stop();
    await Promise.all([this.drivers.close(), this.#client.close()]);
    this.archive.close();
  }
}
