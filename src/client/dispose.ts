/** The symbol that `await using` calls, also where the platform has none of its own yet. */

export const asyncDispose: typeof Symbol.asyncDispose = Symbol.asyncDispose ??
  Symbol.for("Symbol.asyncDispose");
