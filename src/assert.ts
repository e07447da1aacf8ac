/**
 * Assertions stay on in production: a broken invariant is a bug of ours, and going on could lose or
 * duplicate records. Bad input is never asserted: it gets an error reply (`errors.ts`).
 */

/** A broken invariant. Caught on purpose only at the edge of a socket or of the process. */
export class AssertionFailed extends Error {
  override readonly name = "AssertionFailed";
}

/** Throws unless `condition` holds; `message` says what must always be true. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionFailed(message);
}

/** For the `default` of a switch that has a case for every member of a union. */
export function unreachable(value: never): never {
  throw new AssertionFailed(`Unexpected value: ${JSON.stringify(value)}`);
}
