/**
 * Reads a history from a file of JSON lines, one event per line, and names the first invalid line.
 */

import { eventOf } from "./event_schema.ts";
import type { Event } from "./history.ts";

export async function readHistory(stream: ReadableStream<Uint8Array>): Promise<Event[]> {
  const reading = new Reading();
  let rest = "";
  const decoder = new TextDecoder();
  for await (const chunk of stream) {
    const lines = `${rest}${decoder.decode(chunk, { stream: true })}`.split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) reading.take(line);
  }
  rest += decoder.decode();
  if (rest !== "") reading.take(rest);
  return reading.events;
}

class Reading {
  readonly events: Event[] = [];
  #last = -Infinity;

  take(line: string): void {
    const number = this.events.length + 1;
    const event = eventOf(parsed(line, number));
    if (typeof event === "string") throw new Error(`Line ${number} is no event: ${event}`);
    if (event.at < this.#last) {
      throw new Error(`Line ${number} is of ${event.at} ms, and the one before of ${this.#last}`);
    }
    this.#last = event.at;
    this.events.push(event);
  }
}

function parsed(line: string, number: number): unknown {
  try {
    return JSON.parse(line);
  } catch (cause) {
    throw new Error(`Line ${number} is no JSON: ${line.slice(0, 60)}`, { cause });
  }
}
