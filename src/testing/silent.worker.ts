/**
 * As a SharedWorker it never answers, like one that has died without anybody being told; elsewhere it is the hub's worker.
 * What comes before that is loaded is given to it afterwards.
 */
const early: MessageEvent[] = [];
const keep = (event: Event) => void early.push(event as MessageEvent);

if (!('onconnect' in globalThis)) {
  addEventListener('message', keep);
  await import('../../worker/hub.worker.ts');
  removeEventListener('message', keep);
  for (const { ports } of early) dispatchEvent(new MessageEvent('message', { ports: [...ports] }));
}

export {};
