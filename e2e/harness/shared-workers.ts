import type { Browser, CDPSession } from '@playwright/test';

/** The DevTools protocol of a whole browser, for its SharedWorkers, of which a page's own protocol knows nothing. */
export interface SharedWorkers {
  /** Ends all that run, or those with this in their URLs, at once and without a word to anybody. Gives the moment. */
  kill(urlPart?: string): Promise<number>;
  /** What is in the consoles of all that run, and what they themselves say last, as one text. */
  consoles(lastWord: string): Promise<string>;
}

/** The SharedWorkers of this browser. */
export const sharedWorkersOf = async (browser: Browser): Promise<SharedWorkers> => {
  const devtools: CDPSession = await browser.newBrowserCDPSession();
  const targets = async () => {
    const { targetInfos } = await devtools.send('Target.getTargets', { filter: [{ type: 'shared_worker' }] });
    return targetInfos;
  };
  /** Turns the console of a worker on, has it say a last word, and gives everything that it said by then. */
  const consoleOf = async (targetId: string, lastWord: string): Promise<string> => {
    const { sessionId } = await devtools.send('Target.attachToTarget', { targetId, flatten: false });
    const send = (id: number, method: string, params: object = {}) => {
      const message = JSON.stringify({ id, method, params });
      return devtools.send('Target.sendMessageToTarget', { sessionId, message });
    };
    const heard: string[] = [];
    const isOver = new Promise<void>((resolve) => {
      devtools.on('Target.receivedMessageFromTarget', (received) => {
        if (received.sessionId !== sessionId) return;
        heard.push(received.message);
        // The answer to the last request; what was in the console has come before.
        if (JSON.parse(received.message).id === 3) resolve();
      });
    });
    await send(1, 'Runtime.enable');
    await send(2, 'Log.enable');
    await send(3, 'Runtime.evaluate', { expression: `console.log(${JSON.stringify(lastWord)})` });
    await isOver;
    return heard.join('\n');
  };
  return {
    async consoles(lastWord) {
      const running = await targets();
      return (await Promise.all(running.map(({ targetId }) => consoleOf(targetId, lastWord)))).join('\n');
    },
    async kill(urlPart = '') {
      const running = (await targets()).filter(({ url }) => url.includes(urlPart));
      const killedAt = Date.now();
      for (const { targetId } of running) await devtools.send('Target.closeTarget', { targetId });
      return killedAt;
    },
  };
};
