/** Runs `run` when the signal aborts, or at once if it has. Returns a function that prevents it. */
export function onAbort(signal: AbortSignal | undefined, run: () => void): () => void {
  signal?.addEventListener('abort', run);
  if (signal?.aborted) run();
  return () => signal?.removeEventListener('abort', run);
}
