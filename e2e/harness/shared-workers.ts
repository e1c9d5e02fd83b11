import type { Browser, CDPSession } from '@playwright/test';

/** The DevTools protocol of a whole browser, for its SharedWorkers, of which a page's own protocol knows nothing. */
export interface SharedWorkers {
  /** Ends all that run, or those with this in their URLs, at once and without a word to anybody. Gives the moment. */
  kill(urlPart?: string): Promise<number>;
}

/** The SharedWorkers of this browser. */
export const sharedWorkersOf = async (browser: Browser): Promise<SharedWorkers> => {
  const devtools: CDPSession = await browser.newBrowserCDPSession();
  const targets = async () => {
    const { targetInfos } = await devtools.send('Target.getTargets', { filter: [{ type: 'shared_worker' }] });
    return targetInfos;
  };
  return {
    async kill(urlPart = '') {
      const running = (await targets()).filter(({ url }) => url.includes(urlPart));
      const killedAt = Date.now();
      for (const { targetId } of running) await devtools.send('Target.closeTarget', { targetId });
      return killedAt;
    },
  };
};
