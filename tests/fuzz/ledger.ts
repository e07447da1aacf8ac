/**
 * The books of one socket: what was sent, what came, and whether that adds up. It does not know
 * which frames are valid (it would have the gateway's mistakes if it shared its rules), only what
 * the page promises of any: a request with an id that can be read gets one reply, what cannot be
 * read gets one error without an id, and a socket is closed only for what was sent on it.
 *
 * An id that was sent again while it may have been open leaves two possibilities: a reply of its
 * own, or an error without an id. So the sums are held, not each frame.
 */

import { faultOf } from "./gateway_frames.ts";

const HELLO_MESSAGE_BYTES = 8 * 1024;
const HELLO_BYTES = 64 * 1024;
const MESSAGE_BYTES = 1024 * 1024;
const DEEPEST = 64;
const MOST_VALUES = 150_000;
const MOST_FRAMES = 64;
const MOST_INVALID = 100;
const ID_MAX = 2 ** 31 - 1;

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

interface Asked {
  sent: number;
  answered: number;
  /** Undefined where frames of several types had this id. */
  type: string | undefined;
}

export class Ledger {
  readonly faults: string[] = [];
  /** Outcomes that came: `ok`, or the code of an error. */
  readonly outcomes = new Map<string, number>();
  readonly #asked = new Map<number, Asked>();
  /**
   * Ids that have no reply yet; requests that are not the first with their id, and have none of
   * their own.
   */
  #unanswered = 0;
  #repeated = 0;
  /** Messages and frames that must get an error without an id; frames that may. */
  #unreadable = 0;
  #withoutId = 0;
  #anonymous = 0;
  #invalid = 0;
  #opened = false;
  /** Bytes were sent of which nobody can say what they are: so nobody can say what answers them. */
  #blurred = false;
  #bytesBefore = 0;
  readonly #mayClose = new Map<number, string>();

  /** A text message. */
  sent(bytes: Uint8Array): void {
    this.#measure(bytes.length);
    const frames = framesOf(bytes);
    if (frames === "not UTF-8") this.#mayClose.set(1007, frames);
    if (typeof frames === "string") this.#unreadable++;
    else for (const frame of frames) this.#expect(frame);
  }

  sentBinary(bytes: Uint8Array): void {
    this.#measure(bytes.length);
    this.#mayClose.set(1003, "a binary message");
  }

  /** Bytes that are no WebSocket frames, or not such as are allowed. */
  sentRaw(): void {
    this.#blurred = true;
    for (const code of [1002, 1003, 1006, 1007, 1008, 1009]) this.#mayClose.set(code, "bad frames");
  }

  /** One text message from the gateway; returns its frames, as far as there are any. */
  received(message: string): readonly Record<string, unknown>[] {
    let parsed: unknown;
    try {
      parsed = JSON.parse(message);
    } catch {
      this.#fault("what came is not JSON", message);
      return [];
    }
    const parts: unknown[] = Array.isArray(parsed) ? parsed : [parsed];
    if (parts.length < 1 || parts.length > MOST_FRAMES) {
      this.#fault(`a message of ${parts.length} frames came`, message);
    }
    const frames = parts.filter(isObject);
    if (frames.length < parts.length) this.#fault("what is no frame came", message);
    for (const frame of frames) this.#take(frame);
    return frames;
  }

  /** The socket has ended; `code` is 1006 where the gateway did not say why. */
  closed(code: number): void {
    const may = this.#mayClose.has(code) || code === 1000 ||
      (!this.#opened && (code === 4500 || code === 4501)) ||
      (code === 4502 && this.#invalid > MOST_INVALID);
    if (!may) this.#fault(`closed with ${code}, for which there was no reason`, [...this.outcomes]);
  }

  /** Whether everything has come that must. */
  get isSettled(): boolean {
    return this.#unanswered === 0 && this.#anonymous >= this.#unreadable + this.#repeated;
  }

  /** What has not come, and what came too often. Called when nothing more will come. */
  settle(): void {
    for (const [id, asked] of this.#asked) {
      if (asked.answered === 0) this.#fault(`request ${id} got no reply`, asked);
    }
    const owed = this.#unreadable + this.#repeated;
    if (this.#anonymous < owed) {
      this.#fault(`${owed} errors without an id were due, ${this.#anonymous} came`, "");
    }
    if (this.#anonymous > owed + this.#withoutId) {
      this.#fault(`${this.#anonymous} errors without an id came, ${owed} were due`, "");
    }
  }

  #measure(bytes: number): void {
    if (bytes > MESSAGE_BYTES) this.#mayClose.set(1009, "too large a message");
    if (this.#opened) return;
    this.#bytesBefore += bytes;
    if (bytes > HELLO_MESSAGE_BYTES || this.#bytesBefore > HELLO_BYTES) {
      this.#mayClose.set(1009, "too much before hello");
    }
  }

  #expect(frame: unknown): void {
    const { id, type } = isObject(frame) ? frame : { id: null, type: undefined };
    if (id === undefined) {
      this.#withoutId++;
    } else if (!Number.isInteger(id) || (id as number) < 1 || (id as number) > ID_MAX) {
      this.#unreadable++;
    } else {
      this.#ask(id as number, typeof type === "string" ? type : undefined);
    }
  }

  #ask(id: number, type: string | undefined): void {
    const known = this.#asked.get(id);
    if (!known) {
      this.#asked.set(id, { sent: 1, answered: 0, type });
      this.#unanswered++;
      return;
    }
    known.sent++;
    this.#repeated++;
    if (known.type !== type) known.type = undefined;
  }

  #take(frame: Record<string, unknown>): void {
    const { type, id } = frame;
    const asked = typeof id === "number" ? this.#asked.get(id) : undefined;
    const fault = faultOf(frame, asked?.type);
    if (fault !== undefined) this.#fault(fault, frame);
    if (type !== "ok" && type !== "error") return;
    const outcome = type === "ok" ? "ok" : this.#codeOf(frame);
    this.outcomes.set(outcome, (this.outcomes.get(outcome) ?? 0) + 1);
    if (outcome === "invalid_frame" || outcome === "unknown_type") this.#invalid++;
    if (type === "ok" && asked?.type === "hello") this.#opened = true;
    if (id === undefined) this.#anonymous++;
    else if (this.#blurred) return;
    else if (!asked) this.#fault("a reply to what was not asked", frame);
    else if (++asked.answered > asked.sent) this.#fault("a reply too many", frame);
    else if (asked.answered === 1) this.#unanswered--;
    else this.#repeated--;
  }

  /** What says that the store does not work is shown with its reason: the store works here. */
  #codeOf({ code, message }: Record<string, unknown>): string {
    return code === "unavailable" || code === "timeout" ? `${code} (${message})` : String(code);
  }

  #fault(what: string, shown: unknown): void {
    this.faults.push(`${what}: ${JSON.stringify(shown)?.slice(0, 600)}`);
  }
}

/** The frames of a message as the page cuts it, or why it is none. */
function framesOf(bytes: Uint8Array): readonly unknown[] | "not UTF-8" | "not a message" {
  let text: string;
  try {
    text = strict.decode(bytes);
  } catch {
    return "not UTF-8";
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return "not a message";
  }
  if (depthOf(withoutValues(value)) > DEEPEST || valuesIn(text) > MOST_VALUES) {
    return "not a message";
  }
  if (!Array.isArray(value)) return [value];
  return value.length >= 1 && value.length <= MOST_FRAMES ? value : "not a message";
}

/** The most brackets that are open at a time. */
function depthOf(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  return Object.values(value).reduce((most, inner) => Math.max(most, 1 + depthOf(inner)), 1);
}

/** A message without its records' values: one that is too deep is its frame's matter alone. */
function withoutValues(message: unknown): unknown {
  const ofRecord = (record: unknown) => isObject(record) ? { ...record, value: 0 } : record;
  const ofPart = (part: unknown) =>
    isObject(part) && Array.isArray(part["records"])
      ? { ...part, records: part["records"].map(ofRecord) }
      : part;
  const ofFrame = (frame: unknown) => {
    const own = ofPart(frame);
    return isObject(own) && Array.isArray(own["publish"])
      ? { ...own, publish: own["publish"].map(ofPart) }
      : own;
  };
  return Array.isArray(message) ? message.map(ofFrame) : ofFrame(message);
}

/**
 * The members and elements of a JSON text. Those in records' values are counted too: none that is
 * sent has so many.
 */
function valuesIn(text: string): number {
  const open: string[] = [];
  let values = 0;
  let quoted = false;
  let isEmpty = false;
  for (let i = 0; i < text.length; i++) {
    const character = text[i]!;
    if (!quoted && isEmpty && character !== "]" && character.trim() !== "") values++;
    if (quoted || character.trim() !== "") isEmpty = false;
    if (quoted && character === "\\") i++;
    else if (character === '"') quoted = !quoted;
    else if (quoted) continue;
    else if (character === "[" || character === "{") {
      open.push(character);
      isEmpty = character === "[";
    } else if (character === "]" || character === "}") open.pop();
    else if (character === ":" || character === "," && open.at(-1) === "[") values++;
  }
  return values;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
