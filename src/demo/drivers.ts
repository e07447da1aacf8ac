/**
 * The drivers: every fix is a publish of one record, by an idempotent producer for each socket, so
 * that whatever must be sent again is stored once. A refusal stops the line until all answers are
 * in; then what is unanswered goes again, in order.
 */

import { Connection, Refused } from "./connection.ts";
import type { Due, Fix } from "./fixes.ts";

/** Publishes in flight on one socket. */
const WINDOW = 48;

interface Numbered {
  readonly sequence: number;
  readonly fix: Fix;
}

/** One socket of many drivers. */
class Line {
  readonly #connection: Connection;
  readonly #producer: unknown;
  readonly #topic: string;
  readonly #queue: Numbered[] = [];
  /** Sent again, or not sent yet, before what is in `#queue`. */
  #again: Numbered[] = [];
  #sequence = 0;
  #inFlight = 0;
  #failed = false;
  acknowledged = 0;

  constructor(connection: Connection, producer: unknown, topic: string) {
    this.#connection = connection;
    this.#producer = producer;
    this.#topic = topic;
  }

  get done(): boolean {
    return this.#queue.length === 0 && this.#again.length === 0 && this.#inFlight === 0;
  }

  close(): void {
    this.#connection.close();
  }

  publish(fix: Fix): void {
    this.#queue.push({ sequence: this.#sequence++, fix });
    this.#pump();
  }

  #pump(): void {
    while (!this.#failed && this.#inFlight < WINDOW) {
      const next = this.#again.shift() ?? this.#queue.shift();
      if (!next) return;
      this.#send(next);
    }
  }

  async #send(numbered: Numbered): Promise<void> {
    this.#inFlight++;
    const { driver, ...value } = numbered.fix;
    try {
      await this.#connection.request("publish", {
        topic: this.#topic,
        records: [{ key: driver, value }],
        producer: { ...this.#producer as object, sequence: numbered.sequence },
      });
      this.acknowledged++;
    } catch (error) {
      if (!(error instanceof Refused) || !/^(same|resend)$/.test(String(error.reply["retry"]))) {
        throw error;
      }
      this.#failed = true;
      this.#again.push(numbered);
    } finally {
      this.#inFlight--;
    }
    if (this.#failed && this.#inFlight === 0) {
      this.#failed = false;
      this.#again.sort((a, b) => a.sequence - b.sequence);
    }
    this.#pump();
  }
}

export class Drivers {
  readonly #lines: readonly Line[];
  published = 0;

  private constructor(lines: readonly Line[]) {
    this.#lines = lines;
  }

  static async connect(url: string, topic: string, sockets: number): Promise<Drivers> {
    const lines = Array.from({ length: sockets }, async () => {
      const connection = await Connection.open(url);
      const { producer } = await connection.request("initProducer", {});
      return new Line(connection, producer, topic);
    });
    return new Drivers(await Promise.all(lines));
  }

  get acknowledged(): number {
    return this.#lines.reduce((sum, line) => sum + line.acknowledged, 0);
  }

  close(): void {
    for (const line of this.#lines) line.close();
  }

  get done(): boolean {
    return this.#lines.every((line) => line.done);
  }

  /** Sends what is due, in time, `speed` times as fast as it was driven. */
  async drive(due: readonly Due[], speed: number): Promise<void> {
    const lineOf = new Map<string, Line>();
    const begun = performance.now();
    for (let next = 0; next < due.length;) {
      const nowS = (performance.now() - begun) / 1_000 * speed;
      for (let now = due[next]; now && now.afterS <= nowS; now = due[++next]) {
        const { driver } = now.fix;
        const line = lineOf.get(driver) ?? this.#lines[lineOf.size % this.#lines.length];
        if (!line) throw new Error("There is no socket to publish on");
        lineOf.set(driver, line);
        line.publish(now.fix);
        this.published++;
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}
