/** An operator who deletes topics of a simulated world, which are created again when used. */

import { GatewayError } from "../../src/errors.ts";
import type { TopicSpec } from "../../src/log/topics.ts";
import type { Site } from "./site.ts";

const PATIENCE_MS = 8_000;
const NAME = "operator";

/** What an operator knows of a world. */
type Place = Pick<Site, "world" | "recorder" | "gateway">;

export class Operator {
  readonly #site: Place;
  readonly #topic: string;
  readonly #before: (() => Promise<void>) | undefined;
  #stopped = false;

  /** `topic`: the one that is deleted now and then, and `before`: what is done then, if any. */
  constructor(site: Place, topic: string, before?: () => Promise<void>) {
    this.#site = site;
    this.#topic = topic;
    this.#before = before;
  }

  /** Creates a topic, retrying as long as it takes. */
  async make(topic: string, spec: TopicSpec): Promise<void> {
    const { world } = this.#site;
    for (;;) {
      const broker = this.#site.gateway()?.gateway.broker;
      const made = broker?.createTopic(topic, spec).then(() => true, () => false);
      if (made && await Promise.race([made, world.sleep(PATIENCE_MS)])) return;
      await world.sleep(100);
    }
  }

  async start(): Promise<void> {
    const { world } = this.#site;
    while (!this.#stopped) {
      await world.sleep(world.between(3_000, 9_000));
      await this.#before?.();
      if (!this.#stopped) await this.#delete();
    }
  }

  stop(): void {
    this.#stopped = true;
  }

  async #delete(): Promise<void> {
    const { world, recorder } = this.#site;
    const broker = this.#site.gateway()?.gateway.broker;
    if (!broker) return;
    const op = recorder.invoke(NAME, { f: "delete", topic: this.#topic });
    const late = world.sleep(PATIENCE_MS).then(() => "no answer");
    const done = broker.removeTopic(this.#topic).then(() => undefined, (error) => error);
    const error = await Promise.race([done, late]);
    if (error === undefined) recorder.ok(NAME, op);
    else if (error instanceof GatewayError && error.effect === "none") {
      recorder.fail(NAME, op, error.code);
    } else recorder.info(NAME, op, String(error));
  }
}
