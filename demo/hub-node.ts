import type { HostKind, SocketStatus } from 'onesocket';
import { byId, setText } from './dom.ts';
import { durabilityWords } from './durability-words.ts';
import { count } from './words.ts';

const hosts: Record<HostKind, string> = {
  'shared-worker': 'in a SharedWorker',
  'dedicated-worker': 'in a worker of one tab',
  page: 'in one of the tabs',
  unshared: 'in each tab, for itself',
};

/** Gives a function that shows the hub: where it runs, how durable its outbox is, and what waits there. */
export const createHubNode = (): ((status: SocketStatus) => void) => {
  const host = byId('hub-host', HTMLElement);
  const durability = byId('durability', HTMLElement);
  const topics = byId('topics', HTMLElement);
  const dropped = byId('dropped', HTMLElement);
  const queue = byId('queue', HTMLElement);
  const queueFact = byId('queue-fact', HTMLElement);
  return (status) => {
    const absent = status.state === 'closed' ? 'none' : 'attaching';
    setText(host, status.host === null ? absent : hosts[status.host]);
    const { label, tone } = durabilityWords(status);
    setText(durability, label);
    durability.dataset['tone'] = tone;
    setText(topics, count(status.topics));
    setText(dropped, count(status.dropped));
    setText(queue, count(status.queue.entries));
    queueFact.dataset['tone'] = status.queue.entries > 0 ? 'wait' : 'off';
  };
};
