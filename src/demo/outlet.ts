/** A topic that is created for one run of a use, and its producer. */

import { type Client, connect, type Producer, type RecordToPublish } from "../client/mod.ts";
import { GatewayApi } from "./gateway_api.ts";

const PARTITIONS = 8;

export class Outlet {
  readonly api: GatewayApi;
  readonly topic: string;
  readonly #client: Client;
  readonly #producer: Producer;
  #failure: unknown;

  private constructor(api: GatewayApi, topic: string) {
    this.api = api;
    this.topic = topic;
    this.#client = connect(api.url);
    this.#producer = this.#client.producer();
  }

  /** Creates a topic whose name begins with `name`, through the first of the gateways. */
  static async open([url = ""]: readonly string[], name: string): Promise<Outlet> {
    const api = new GatewayApi(url);
    const topic = `${name}-${Date.now().toString(36)}`;
    await api.makeTopic(topic, PARTITIONS);
    return new Outlet(api, topic);
  }

  /** Resolves when there is room for more. */
  get ready(): Promise<void> {
    return this.#producer.ready;
  }

  publish(record: RecordToPublish): void {
    this.#producer.publish(this.topic, record).catch((error) => this.#failure ??= error);
  }

  /** Throws the error that stopped publishing, if any. */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  async flush(): Promise<void> {
    await this.#producer.flush();
  }

  async close(): Promise<void> {
    await this.#client.close();
  }
}
