import type { Client } from './client.ts';
import type { ServerContext } from './context.ts';
import type { Leave } from './presence.ts';
import type { SignalReceiver } from './signal-room.ts';

/** Whoever is subscribed to a topic is there, and hears its signals. Returns a function that ends that. */
export function attend(
  { presence, signals }: ServerContext,
  { identity, info }: Client,
  receiver: SignalReceiver,
  topic: string,
): Leave {
  signals.join(topic, receiver);
  const leave = presence?.isKept(topic) ? presence.store.enter(topic, identity, info) : undefined;
  return (atOnce) => {
    signals.leave(topic, receiver);
    leave?.(atOnce);
  };
}
