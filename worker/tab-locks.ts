/**
 * Waits for the death certificate of a tab: the tab holds this Web Lock for its lifetime, so that being
 * granted it means the tab has closed, crashed or left. Returns a function that ends the waiting.
 */
export function watchTabLock(lockName: string, onGone: () => void): () => void {
  const waiting = new AbortController();
  navigator.locks
    .request(lockName, { signal: waiting.signal }, () => onGone())
    .catch((error: unknown) => {
      if (!waiting.signal.aborted) throw error;
    });
  return () => waiting.abort();
}
