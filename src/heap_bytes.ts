/**
 * What objects take in memory beside the bytes that they hold, as measured. Caches and queues are
 * bounded by memory, and of small records the objects are most of it.
 */
export const HEAP_BYTES = {
  /** An append that waits, beside its records. */
  append: 800,
  /** A log entry in memory, each of its sections, and each of its base offsets. */
  entry: 512,
  section: 256,
  base: 8,
  /** An encoded section, its two numbers for each record, and each frame that is made of it. */
  encoded: 1_024,
  encodedRecord: 16,
  frame: 256,
} as const;
