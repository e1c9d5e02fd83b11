import { workerName } from '../names.ts';

/** URL of the hub's worker, with one thing more: a test can end it. */
export const mortalWorker = new URL(
  'testing/mortal.worker.ts?worker_file&type=module',
  `${location.origin}/worker/`,
);

/** Ends the worker of this hub, as a crash would: nobody is told. Settles once its locks are free. */
export async function endWorker(hubName: string): Promise<void> {
  const channel = new BroadcastChannel(`end of ${workerName(hubName)}`);
  channel.postMessage('end');
  await navigator.locks.request(`${hubName}:hub`, { mode: 'shared' }, () => {});
  channel.close();
}
