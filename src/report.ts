/** Tells of an error that is not the library's: the page's `error` event, or Node's uncaught exception. */
export function report(error: unknown): void {
  if ('reportError' in globalThis) return reportError(error);
  queueMicrotask(() => {
    throw error;
  });
}
