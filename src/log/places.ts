/**
 * Where publishes are stored, packed: chains of places of eleven bytes each, which grow at the end
 * and shrink at the start. The 64 places of a busy producer take 0.8 KB.
 *
 *     chunk   u32 next chunk · four places, field by field:
 *             u32 sequence, the low bits · u32 offset, the low bits · u16 offset, the high bits ·
 *             u8 partition in the stripe
 *
 * A place is numbered by its chunk × 4 + its index there. Chunks are allocated in pages, which are
 * never moved once they have their full size: growing never copies everything, and a small stripe
 * takes little.
 *
 * The low bits of a sequence are enough: all of a chain are less than 2^32 below the highest, which
 * the chain's owner knows.
 */

import { assert } from "../assert.ts";
import { TOPIC } from "../limits.ts";
import type { Offset } from "../types.ts";

const PLACES = 4;
const PLACE_BITS = 2;
const PLACE_MASK = PLACES - 1;
/** Words of a chunk, and where its fields begin, counted in their own size. */
const WORDS = 12;
const SEQUENCES = 1;
const BASES = SEQUENCES + PLACES;
const HIGHS = 2 * (BASES + PLACES);
const PARTITIONS = 2 * (HIGHS + PLACES);

const PAGE_BITS = 12;
const PAGE_CHUNKS = 1 << PAGE_BITS;
const FIRST_CHUNKS = 8;

const WORD = 2 ** 32;
const BASE_LIMIT = 2 ** 48;

assert(TOPIC.partitions / TOPIC.stripes <= 256, "a place must hold a partition of any stripe");

/** The same bytes as words, half words and bytes. */
interface Page {
  readonly words: Uint32Array;
  readonly halves: Uint16Array;
  readonly bytes: Uint8Array;
}

export class Places {
  readonly #pages: Page[] = [];
  /** Chunks that were ever made. */
  #made = 0;
  /** The chunk that was freed last, plus one; its `next` has the one before, plus one. */
  #free = 0;

  /** Begins a chain with one place, and returns it. */
  start(sequence: number, partition: number, base: Offset): number {
    const place = this.#makeChunk() << PLACE_BITS;
    this.#write(place, sequence, partition, base);
    return place;
  }

  /** Adds a place to a chain behind its last one, and returns it: the new last one. */
  append(last: number, sequence: number, partition: number, base: Offset): number {
    let place = last + 1;
    if ((place & PLACE_MASK) === 0) {
      const chunk = this.#makeChunk();
      this.#setNext(last >>> PLACE_BITS, chunk);
      place = chunk << PLACE_BITS;
    }
    this.#write(place, sequence, partition, base);
    return place;
  }

  /** The place behind this one, which is not the last of its chain. */
  after(place: number): number {
    const next = place + 1;
    return (next & PLACE_MASK) === 0 ? this.#next(place >>> PLACE_BITS) << PLACE_BITS : next;
  }

  /** Removes the first place of a chain that has others. Returns the new first one. */
  dropFirst(first: number): number {
    const next = this.after(first);
    if ((first & PLACE_MASK) === PLACE_MASK) this.#freeChunk(first >>> PLACE_BITS);
    return next;
  }

  /** Frees a whole chain. */
  free(first: number, last: number): void {
    let chunk = first >>> PLACE_BITS;
    while (chunk !== last >>> PLACE_BITS) {
      const next = this.#next(chunk);
      this.#freeChunk(chunk);
      chunk = next;
    }
    this.#freeChunk(chunk);
  }

  /** The sequence, given the highest one of its chain. */
  sequence(place: number, highest: number): number {
    const { words } = this.#page(place);
    const low = words[chunkAt(place) * WORDS + SEQUENCES + (place & PLACE_MASK)] as number;
    return highest - (((highest >>> 0) - low) >>> 0);
  }

  partition(place: number): number {
    const { bytes } = this.#page(place);
    return bytes[chunkAt(place) * WORDS * 4 + PARTITIONS + (place & PLACE_MASK)] as number;
  }

  base(place: number): Offset {
    const { words, halves } = this.#page(place);
    const low = words[chunkAt(place) * WORDS + BASES + (place & PLACE_MASK)] as number;
    const high = halves[chunkAt(place) * WORDS * 2 + HIGHS + (place & PLACE_MASK)] as number;
    return high * WORD + low;
  }

  #write(place: number, sequence: number, partition: number, base: Offset): void {
    assert(base < BASE_LIMIT, "a partition has fewer than 2^48 records");
    const { words, halves, bytes } = this.#page(place);
    const at = chunkAt(place) * WORDS;
    const i = place & PLACE_MASK;
    words[at + SEQUENCES + i] = sequence; // a typed array takes the low bits
    words[at + BASES + i] = base;
    halves[2 * at + HIGHS + i] = base / WORD;
    bytes[4 * at + PARTITIONS + i] = partition;
  }

  #next(chunk: number): number {
    const place = chunk << PLACE_BITS;
    return this.#page(place).words[chunkAt(place) * WORDS] as number;
  }

  #setNext(chunk: number, next: number): void {
    const place = chunk << PLACE_BITS;
    this.#page(place).words[chunkAt(place) * WORDS] = next;
  }

  #makeChunk(): number {
    if (this.#free !== 0) {
      const chunk = this.#free - 1;
      this.#free = this.#next(chunk);
      return chunk;
    }
    const chunk = this.#made++;
    const index = chunk >>> PAGE_BITS;
    const within = chunk & PAGE_CHUNKS - 1;
    const held = this.#pages[index]?.words;
    if (!held) this.#pages[index] = pageOf(index === 0 ? FIRST_CHUNKS : PAGE_CHUNKS);
    else if (within * WORDS === held.length) this.#pages[index] = pageOf(2 * within, held);
    return chunk;
  }

  #freeChunk(chunk: number): void {
    this.#setNext(chunk, this.#free);
    this.#free = chunk + 1;
  }

  #page(place: number): Page {
    return this.#pages[place >>> PLACE_BITS + PAGE_BITS] as Page;
  }
}

/** The index of the place's chunk in its page. */
function chunkAt(place: number): number {
  return place >>> PLACE_BITS & PAGE_CHUNKS - 1;
}

function pageOf(chunks: number, held?: Uint32Array): Page {
  const words = new Uint32Array(chunks * WORDS);
  if (held) words.set(held);
  return { words, halves: new Uint16Array(words.buffer), bytes: new Uint8Array(words.buffer) };
}
