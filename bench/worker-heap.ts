import type { Browser, CDPSession } from 'playwright';

/** Bytes of heap that the one SharedWorker of a browser uses after a garbage collection. */
export async function workerHeapBytes(browser: Browser): Promise<number> {
  const session = await browser.newBrowserCDPSession();
  try {
    const { targetInfos } = await session.send('Target.getTargets');
    const worker = targetInfos.find(({ type }) => type === 'shared_worker');
    if (!worker) throw new Error('no SharedWorker runs');
    const { sessionId } = await session.send('Target.attachToTarget', { targetId: worker.targetId });
    const call = callsTo(session, sessionId);
    await call('HeapProfiler.enable');
    await call('HeapProfiler.collectGarbage');
    const { usedSize } = (await call('Runtime.getHeapUsage')) as { readonly usedSize: number };
    return usedSize;
  } finally {
    await session.detach();
  }
}

/** Calls to a target inside a session: Playwright has no sessions of its own for a SharedWorker. */
function callsTo(session: CDPSession, sessionId: string): (method: string) => Promise<unknown> {
  let lastId = 0;
  return (method) =>
    new Promise((resolve, reject) => {
      const id = (lastId += 1);
      const take = (event: { readonly sessionId: string; readonly message: string }) => {
        const reply = JSON.parse(event.message);
        if (event.sessionId !== sessionId || reply.id !== id) return;
        session.off('Target.receivedMessageFromTarget', take);
        if (reply.error) reject(new Error(`${method}: ${reply.error.message}`));
        else resolve(reply.result);
      };
      session.on('Target.receivedMessageFromTarget', take);
      const message = JSON.stringify({ id, method });
      session.send('Target.sendMessageToTarget', { sessionId, message }).catch(reject);
    });
}
