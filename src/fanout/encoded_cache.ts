/**
 * Encoded sections, and the frames made of them, for those who read the same a little later. They
 * are bounded by memory: a section that is read after it was evicted is encoded again.
 */

import { HEAP_BYTES } from "../heap_bytes.ts";
import type { Section } from "../log/section.ts";
import { encode, type Encoded } from "./encoded.ts";

const MAX_BYTES = 16 * 1_024 * 1_024;
/** Frames kept for a section, one per subscription number: most sessions use only low numbers. */
const MAX_FRAMES = 4;

class EncodedCache {
  readonly #kept = new Map<Section, Encoded>();
  #bytes = 0;

  get(section: Section): Encoded {
    const known = this.#kept.get(section);
    if (known) return known;
    const encoded = encode(section);
    this.#kept.set(section, encoded);
    this.#bytes += memoryBytes(encoded);
    this.#evict(section);
    return encoded;
  }

  keepFrame(section: Section, subscription: number, frame: Uint8Array): void {
    const { frames } = this.get(section);
    if (frames.size >= MAX_FRAMES) {
      this.#bytes -= framesBytes(frames);
      frames.clear();
    }
    frames.set(subscription, frame);
    this.#bytes += HEAP_BYTES.frame + frame.length;
    this.#evict(section);
  }

  /** Evicts the oldest, but not `newest`; an eighth at once: see `forget_oldest.ts`. */
  #evict(newest: Section): void {
    if (this.#bytes <= MAX_BYTES) return;
    for (const [oldest, encoded] of this.#kept) {
      if (this.#bytes <= MAX_BYTES - MAX_BYTES / 8 || oldest === newest) break;
      this.#kept.delete(oldest);
      this.#bytes -= memoryBytes(encoded);
    }
  }
}

function memoryBytes({ text, ends, frames }: Encoded): number {
  const records = HEAP_BYTES.encodedRecord * ends.length;
  return HEAP_BYTES.encoded + text.length + records + framesBytes(frames);
}

function framesBytes(frames: Encoded["frames"]): number {
  let bytes = 0;
  for (const frame of frames.values()) bytes += HEAP_BYTES.frame + frame.length;
  return bytes;
}

const cache = new EncodedCache();

/** The section, encoded: the same object for the same section, as long as it is kept. */
export function encodedOf(section: Section): Encoded {
  return cache.get(section);
}

/** Keeps the frame that was made of the whole section, for others with this subscription number. */
export function keepFrame(section: Section, subscription: number, frame: Uint8Array): void {
  cache.keepFrame(section, subscription, frame);
}
