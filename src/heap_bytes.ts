/**
 * Measured memory of objects, besides the bytes that they hold. Caches and queues are bounded by
 * memory, and with small records objects are most of it.
 */
export const HEAP_BYTES = {
  /** A waiting append, without its records. */
  append: 800,
  /** A log entry in memory, each of its sections, and each of its base offsets. */
  entry: 512,
  section: 256,
  base: 8,
  /** An encoded section, its two numbers for each record, and each frame made of it. */
  encoded: 1_024,
  encodedRecord: 16,
  frame: 256,
} as const;
