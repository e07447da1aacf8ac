/**
 * The part of `@std/assert` that the tests use, over `node:assert`: replaces the real one where its
 * registry cannot be reached (`tests/run.ts` finds out). Same names, same semantics.
 */

import nodeAssert from "node:assert/strict";

export class AssertionError extends Error {
  override readonly name = "AssertionError";
}

export function assert(condition: unknown, message = "Expected a truthy value"): asserts condition {
  if (!condition) throw new AssertionError(message);
}

export function assertEquals<T>(actual: T, expected: T, message?: string): void {
  nodeAssert.deepStrictEqual(actual, expected, message);
}

export function assertNotEquals<T>(actual: T, expected: T, message?: string): void {
  nodeAssert.notDeepStrictEqual(actual, expected, message);
}

export function assertStrictEquals<T>(actual: unknown, expected: T, message?: string): void {
  nodeAssert.strictEqual(actual, expected, message);
}

export function assertExists<T>(actual: T, message?: string): asserts actual is NonNullable<T> {
  assert(actual !== undefined && actual !== null, message ?? `Expected a value, got ${actual}`);
}

export function assertMatch(actual: string, expected: RegExp, message?: string): void {
  nodeAssert.match(actual, expected, message);
}

export function assertStringIncludes(actual: string, expected: string, message?: string): void {
  assert(actual.includes(expected), message ?? `Expected "${actual}" to include "${expected}"`);
}

export function assertGreater(actual: number, expected: number, message?: string): void {
  assert(actual > expected, message ?? `Expected ${actual} > ${expected}`);
}

export function assertGreaterOrEqual(actual: number, expected: number, message?: string): void {
  assert(actual >= expected, message ?? `Expected ${actual} >= ${expected}`);
}

export function assertLess(actual: number, expected: number, message?: string): void {
  assert(actual < expected, message ?? `Expected ${actual} < ${expected}`);
}

export function assertLessOrEqual(actual: number, expected: number, message?: string): void {
  assert(actual <= expected, message ?? `Expected ${actual} <= ${expected}`);
}

export function assertObjectMatch(
  actual: Record<PropertyKey, unknown>,
  expected: Record<PropertyKey, unknown>,
  message?: string,
): void {
  for (const [key, value] of Object.entries(expected)) {
    nodeAssert.deepStrictEqual(actual[key], value, message ?? `Member "${key}" differs`);
  }
}

// deno-lint-ignore no-explicit-any
type ErrorClass<E extends Error> = new (...args: any[]) => E;

function check<E extends Error>(error: unknown, expected?: ErrorClass<E>, includes?: string): E {
  if (expected) assert(error instanceof expected, `Expected ${expected.name}, got ${error}`);
  if (includes !== undefined) assertStringIncludes((error as Error).message, includes);
  return error as E;
}

export function assertThrows<E extends Error = Error>(
  run: () => unknown,
  expected?: ErrorClass<E>,
  includes?: string,
): E {
  try {
    run();
  } catch (error) {
    return check(error, expected, includes);
  }
  throw new AssertionError("Expected the function to throw");
}

export async function assertRejects<E extends Error = Error>(
  run: () => PromiseLike<unknown>,
  expected?: ErrorClass<E>,
  includes?: string,
): Promise<E> {
  try {
    await run();
  } catch (error) {
    return check(error, expected, includes);
  }
  throw new AssertionError("Expected the promise to reject");
}

export function fail(message = "Failed"): never {
  throw new AssertionError(message);
}
