/** Reads V8's inspector of a process that was started with `--inspect`. */

import type { AllocationNode } from "./call_profile.ts";

/** Bytes in use, including garbage: collecting it would show in a profile. */
export interface Heap {
  readonly used: number;
  /** Memory outside V8's heap that belongs to objects in it: mostly buffers. */
  readonly external: number;
}

/** One allocation is sampled in every so many bytes. */
const SAMPLE_BYTES = 16_384;

export class Inspector {
  readonly #socket: WebSocket;
  #id = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  static async connect(port: number): Promise<Inspector> {
    const targets = await (await fetch(`http://127.0.0.1:${port}/json/list`)).json();
    const socket = new WebSocket(targets[0].webSocketDebuggerUrl);
    await new Promise((resolve, reject) => {
      socket.onopen = resolve;
      socket.onerror = () => reject(new Error("The inspector does not answer"));
    });
    return new Inspector(socket);
  }

  async heap(): Promise<Heap> {
    const usage = await this.#call("Runtime.getHeapUsage") as {
      usedSize?: number;
      backingStorageSize?: number;
    };
    return { used: usage.usedSize ?? NaN, external: usage.backingStorageSize ?? NaN };
  }

  async collectGarbage(): Promise<void> {
    await this.#call("HeapProfiler.collectGarbage");
  }

  /** Starts counting allocations, including those that are collected since. */
  async countAllocations(): Promise<void> {
    await this.#call("HeapProfiler.enable");
    await this.#call("HeapProfiler.startSampling", {
      samplingInterval: SAMPLE_BYTES,
      includeObjectsCollectedByMajorGC: true,
      includeObjectsCollectedByMinorGC: true,
    });
  }

  async allocations(): Promise<AllocationNode> {
    const { profile } = await this.#call("HeapProfiler.stopSampling") as {
      profile: { head: AllocationNode };
    };
    return profile.head;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Resolves when it is closed. */
  close(): Promise<void> {
    if (this.#socket.readyState === WebSocket.CLOSED) return Promise.resolve();
    return new Promise((resolve) => {
      this.#socket.onclose = () => resolve();
      this.#socket.close();
    });
  }

  /** One call at a time. */
  #call(method: string, params: object = {}): Promise<unknown> {
    const id = ++this.#id;
    return new Promise((resolve, reject) => {
      this.#socket.onclose = () =>
        reject(new Error(`The process ended before it answered ${method}`));
      this.#socket.onmessage = ({ data }) => {
        const message = JSON.parse(data);
        if (message.id === id) resolve(message.result);
      };
      this.#socket.send(JSON.stringify({ id, method, params }));
    });
  }
}
