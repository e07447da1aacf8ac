/**
 * The open requests of a session, and their replies: each gets exactly one. Frames without an id go
 * through the same calls and get none.
 */

import { GatewayError } from "../errors.ts";
import type { Telemetry } from "../host/host.ts";
import { ADVERTISED, SESSION } from "../limits.ts";
import { errorFrame, okFrame } from "../protocol/codec.ts";
import type { ClientFrame } from "../protocol/frames.ts";
import type { Outbox } from "./outbox.ts";
import type { Rest } from "./rest.ts";

type Fields = Readonly<Record<string, unknown>>;

/** Frames that free something have twice the room: others may wait for them. */
const GIVES_UP: ReadonlySet<ClientFrame["type"]> = new Set(["release", "leave", "unsubscribe"]);

export class Requests {
  readonly #outbox: Outbox;
  readonly #telemetry: Telemetry;
  readonly #rest: Rest;
  readonly #open = new Set<number>();
  /** Publishes and releases without an id that are in progress: they count as the others do. */
  #silent = 0;

  constructor(outbox: Outbox, telemetry: Telemetry, rest: Rest) {
    this.#outbox = outbox;
    this.#telemetry = telemetry;
    this.#rest = rest;
  }

  isOpen(id: number): boolean {
    return this.#open.has(id);
  }

  get none(): boolean {
    return this.#open.size + this.#silent === 0;
  }

  /** Whether the limit is reached. */
  isFull(type: ClientFrame["type"]): boolean {
    const most = GIVES_UP.has(type) ? 2 * ADVERTISED.inFlight : ADVERTISED.inFlight;
    return this.#open.size + this.#silent >= most;
  }

  begin(id: number | undefined): void {
    if (id === undefined) this.#silent++;
    else this.#open.add(id);
  }

  ok(id: number | undefined, fields: Fields = {}): void {
    this.answer(id, id === undefined ? "" : okFrame(id, fields));
  }

  /** Refuses. If the error says when to retry, nothing more is read from the client for a while. */
  fail(id: number | undefined, error: GatewayError): void {
    const { retryAfterMs } = error.detail;
    if (retryAfterMs !== undefined) this.#rest.add(Math.max(SESSION.restMs, retryAfterMs));
    this.answer(id, id === undefined ? "" : errorFrame(id, error));
  }

  /** As `fail`, with whatever was thrown. */
  refuse(id: number | undefined, error: unknown): void {
    this.fail(id, this.asGatewayError(error));
  }

  /** The reply as text. */
  answer(id: number | undefined, frame: string): void {
    if (id === undefined) {
      this.#silent--;
    } else {
      this.#open.delete(id);
      this.#outbox.push(frame);
    }
  }

  /** Answers with what `work` resolves to, or with why it rejects. */
  async settle(id: number | undefined, work: () => Promise<Fields | void>): Promise<void> {
    try {
      const fields = await work();
      this.ok(id, fields ?? {});
    } catch (error) {
      this.refuse(id, error);
    }
  }

  /** A refusal as it is; anything else is a bug, reported and answered as `internal`. */
  asGatewayError(error: unknown): GatewayError {
    if (error instanceof GatewayError) return error;
    this.#telemetry.report("error", "A request failed", { error });
    return new GatewayError("internal", "The gateway failed to handle the request");
  }
}
