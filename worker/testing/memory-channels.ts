import type { OpenChannel } from '../channel.ts';

/** Channels in memory, of one thread. */
export function memoryChannels(): OpenChannel & { readonly open: ReadonlyMap<string, ReadonlySet<unknown>> } {
  const open = new Map<string, Set<(message: unknown) => void>>();
  const openChannel: OpenChannel = (name, heard) => {
    const ends = open.get(name) ?? new Set();
    open.set(name, ends);
    let isOpen = true;
    const hear = (message: unknown) => isOpen && heard(message);
    ends.add(hear);
    return {
      post(message) {
        if (!isOpen) return;
        const copy = structuredClone(message);
        for (const end of ends) if (end !== hear) queueMicrotask(() => end(copy));
      },
      close() {
        isOpen = false;
        ends.delete(hear);
        if (ends.size === 0) open.delete(name);
      },
    };
  };
  return Object.assign(openChannel, { open });
}
