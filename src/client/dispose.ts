/** The symbol that `await using` uses, also on platforms that do not define it yet. */

export const asyncDispose: typeof Symbol.asyncDispose = Symbol.asyncDispose ??
  Symbol.for("Symbol.asyncDispose");
