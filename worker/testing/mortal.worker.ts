import '../hub.worker.ts';

// The hub, with one thing more: it dies without a word to anybody when a test says so on this channel.
const scope = globalThis as unknown as SharedWorkerGlobalScope;
new BroadcastChannel(`end of ${scope.name}`).addEventListener('message', () => scope.close());
