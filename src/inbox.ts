import * as tabLimits from './limits.ts';

/** Messages on their way into one `for await` loop, or to whoever asks first. */
interface Reader<T> {
  readonly messages: T[];
  wake(): void;
}

/**
 * What waits in a tab for the loops over one subscription, and what came before anybody asked. `onPause` tells
 * when it is too much, and when it is little enough again.
 */
export function createInbox<T>(onPause: (isPaused: boolean) => void) {
  let early: Reader<T> | null = { messages: [], wake() {} };
  const readers = new Set([early]);
  let isPaused = false;
  /** How it ended; null while it goes on. */
  let ended: { readonly error: Error | null } | null = null;

  /** Looks whether the hub has to be held back, or may go on. */
  function update(): void {
    let waiting = 0;
    for (const { messages } of readers) waiting = Math.max(waiting, messages.length);
    const isDue = isPaused ? waiting <= tabLimits.iteratorLowWater : waiting >= tabLimits.iteratorHighWater;
    if (isDue && !ended) onPause((isPaused = !isPaused));
  }

  /** Takes what came before the first handler or loop. */
  function takeEarly(): T[] {
    const messages = early?.messages ?? [];
    if (early) readers.delete(early);
    early = null;
    update();
    return messages;
  }

  return {
    update,
    takeEarly,

    push(message: T): void {
      for (const reader of readers) {
        reader.messages.push(message);
        reader.wake();
      }
    },

    async *read(): AsyncGenerator<T, void, undefined> {
      const reader: Reader<T> = { messages: takeEarly(), wake() {} };
      readers.add(reader);
      try {
        for (;;) {
          const message = reader.messages.shift();
          if (message) {
            update();
            yield message;
          } else if (ended) {
            if (ended.error) throw ended.error;
            return;
          } else {
            await new Promise<void>((wake) => (reader.wake = wake));
          }
        }
      } finally {
        readers.delete(reader);
        update();
      }
    },

    /** Ends the loops after what they have still to read; with an error if the subscription failed. */
    end(error: Error | null): void {
      ended ??= { error };
      for (const reader of readers) reader.wake();
    },

    /** The hub has begun anew and sends. */
    resume(): void {
      isPaused = false;
    },
  };
}
