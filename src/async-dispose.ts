/** `Symbol.asyncDispose`, or what TypeScript's and Babel's helpers look for where an engine lacks it. */
export const asyncDispose: typeof Symbol.asyncDispose =
  Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose');
