/** A reader of server-sent events for tests, which works like `EventSource`. */

export interface ServerSentEvent {
  readonly event: string;
  readonly id: string;
  // deno-lint-ignore no-explicit-any -- whatever the gateway sends is looked at member by member
  readonly data: any;
}

export class EventReader {
  readonly response: Response;
  readonly #reader: ReadableStreamDefaultReader<string>;
  readonly #abort: AbortController;
  #text = "";
  /** The last id that came, with or without an event. */
  lastId = "";
  retry: number | undefined;

  private constructor(response: Response, abort: AbortController) {
    this.response = response;
    this.#abort = abort;
    this.#reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  }

  static async open(url: string, headers: Record<string, string> = {}): Promise<EventReader> {
    const abort = new AbortController();
    return new EventReader(await fetch(url, { headers, signal: abort.signal }), abort);
  }

  /** The next event; undefined at the end of the stream. */
  async next(): Promise<ServerSentEvent | undefined> {
    for (;;) {
      const block = this.#block();
      if (block) {
        const event = this.#parse(block);
        if (event) return event;
        continue;
      }
      const { value, done } = await this.#reader.read();
      if (done) return undefined;
      this.#text += value;
    }
  }

  async take(count: number): Promise<ServerSentEvent[]> {
    const events: ServerSentEvent[] = [];
    while (events.length < count) {
      const event = await this.next();
      if (!event) break;
      events.push(event);
    }
    return events;
  }

  /** Reads the head of the stream, which has no event: then it is established. */
  async stands(): Promise<void> {
    while (this.lastId === "") {
      const { value = "", done } = await this.#reader.read();
      if (done) return;
      this.#text += value;
      const block = this.#block();
      if (block) this.#parse(block);
    }
  }

  async close(): Promise<void> {
    this.#abort.abort();
    await this.#reader.cancel().catch(() => {});
  }

  #block(): string | undefined {
    const end = this.#text.indexOf("\n\n");
    if (end < 0) return undefined;
    const block = this.#text.slice(0, end);
    this.#text = this.#text.slice(end + 2);
    return block;
  }

  #parse(block: string): ServerSentEvent | undefined {
    let event = "message";
    const data: string[] = [];
    for (const line of block.split("\n")) {
      const colon = line.indexOf(":");
      const [name, value] = [line.slice(0, colon), line.slice(colon + 1).replace(/^ /, "")];
      if (name === "event") event = value;
      else if (name === "id") this.lastId = value;
      else if (name === "data") data.push(value);
      else if (name === "retry") this.retry = Number(value);
    }
    if (data.length === 0) return undefined;
    return { event, id: this.lastId, data: JSON.parse(data.join("\n")) };
  }
}
