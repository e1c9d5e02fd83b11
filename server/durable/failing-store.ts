import type { RecordStore } from './record-store.ts';

/** A store whose commits can be made to fail, for tests. */
export interface FailingStore {
  readonly store: RecordStore;
  /** The next commit throws: before it has taken effect, or after. */
  failNext(effect: 'none' | 'done'): void;
}

/** Wraps a store; everything else goes through. */
export function failingStore(inner: RecordStore): FailingStore {
  let next: 'none' | 'done' | undefined;
  const store: RecordStore = {
    starts: inner.starts,
    topics: () => inner.topics(),
    topic: (id) => inner.topic(id),
    messages: (topicId, above) => inner.messages(topicId, above),
    clients: () => inner.clients(),
    client: (key) => inner.client(key),
    commit: (changes) => {
      const effect = next;
      next = undefined;
      if (effect !== 'none') inner.commit(changes);
      if (effect) throw new Error('injected');
    },
    close: () => inner.close(),
  };
  return { store, failNext: (effect) => (next = effect) };
}
