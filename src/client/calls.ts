/**
 * Publishes and transactions without a producer, which happen at most once. They are queued, up to
 * a limit, while there is no connection. If the connection is lost before the answer, the request
 * may have happened: it is rejected, and not sent again. It is sent again only if it was refused
 * temporarily and without effect.
 */

import type { ErrorFrame, OkFrame } from "../protocol/gateway_frames.ts";
import type { Connection, Resident } from "./connection.ts";
import { errorOf, isPassing, WeirError } from "./errors.ts";
import { settling } from "./abort.ts";

interface Call {
  readonly type: string;
  readonly members: () => string;
  readonly bytes: number;
  readonly resolve: (reply: OkFrame) => void;
  readonly reject: (error: unknown) => void;
  /** It was sent: until it is answered, its outcome is unknown. */
  sent: boolean;
  /** Cancels the retry of a temporarily refused call. */
  cancel: () => void;
}

const RETRY_MS = 200;

export class Calls implements Resident {
  readonly #connection: Connection;
  readonly #maxBytes: number;
  /** Calls to send, in order. */
  #waiting: Call[] = [];
  /** All unsettled calls: queued, sent, or waiting for a retry. */
  readonly #open = new Set<Call>();
  #bytes = 0;
  #stopped: WeirError | undefined;

  /** `maxBytes`: the most bytes that may be queued or unanswered. */
  constructor(connection: Connection, maxBytes: number) {
    this.#connection = connection;
    this.#maxBytes = maxBytes;
    connection.add(this);
  }

  /**
   * Sends a request, now or as soon as possible; `members` is called when it is sent. Rejects with
   * the gateway's error, with `queue_full`, or with the signal's reason.
   */
  call(
    type: string,
    members: () => string,
    bytes: number,
    signal?: AbortSignal,
  ): Promise<OkFrame> {
    return settling(signal, ({ resolve, reject }, onAbort) => {
      if (this.#stopped) throw this.#stopped;
      requireFits(bytes, this.#connection.limits.messageBytes);
      if (this.#bytes > 0 && this.#bytes + bytes > this.#maxBytes) throw queueFull(this.#maxBytes);
      const call: Call = { type, members, bytes, resolve, reject, sent: false, cancel() {} };
      this.#bytes += bytes;
      this.#open.add(call);
      this.#waiting.push(call);
      onAbort(() => this.#finish(call, () => {}));
      this.#pump();
    });
  }

  opened(): void {
    this.#pump();
  }

  roomy(): void {
    this.#pump();
  }

  lost(): void {
    for (const call of [...this.#open]) {
      if (!call.sent) continue;
      this.#finish(call, () =>
        call.reject(
          new WeirError(
            "connection_lost",
            `The connection went before the ${call.type} was answered: it may have happened`,
            { effect: "unknown", retry: "same" },
          ),
        ));
    }
  }

  stopped(error: WeirError): void {
    this.#stopped = error;
    for (const call of [...this.#open]) this.#finish(call, () => call.reject(error));
  }

  #pump(): void {
    while (this.#waiting.length > 0 && this.#connection.hasRoom) {
      this.#send(this.#waiting.shift() as Call);
    }
  }

  #send(call: Call): void {
    let members: string;
    try {
      members = call.members();
    } catch (error) {
      return this.#finish(call, () => call.reject(error));
    }
    call.sent = true;
    this.#connection.request(call.type, members, (reply) => this.#answered(call, reply));
  }

  #answered(call: Call, reply: OkFrame | ErrorFrame): void {
    if (reply.type === "ok") this.#finish(call, () => call.resolve(reply));
    else if (this.#open.has(call) && reply.effect === "none" && isPassing(reply)) {
      call.sent = false;
      call.cancel = this.#connection.platform.after(reply.retryAfterMs ?? RETRY_MS, () => {
        this.#waiting.unshift(call);
        this.#pump();
      });
    } else this.#finish(call, () => call.reject(errorOf(reply)));
  }

  #finish(call: Call, settle: () => void): void {
    if (!this.#open.delete(call)) return;
    call.cancel();
    const at = this.#waiting.indexOf(call);
    if (at >= 0) this.#waiting.splice(at, 1);
    this.#bytes -= call.bytes;
    settle();
  }
}

/** The most bytes of a frame besides its records, including the commit of a transaction. */
const FRAME_BYTES = 66_000;

/** Throws if the message would be too long: the gateway would close the connection. */
export function requireFits(bytes: number, messageBytes: number): void {
  if (bytes + FRAME_BYTES <= messageBytes) return;
  throw new WeirError(
    "batch_too_large",
    `A publish may have ${messageBytes - FRAME_BYTES} bytes as JSON, not ${bytes}`,
  );
}

export function queueFull(maxBytes: number): WeirError {
  return new WeirError(
    "queue_full",
    `More than ${maxBytes} bytes wait to be published: await some first`,
    { retry: "same" },
  );
}
