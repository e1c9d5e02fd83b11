import type { Browser, CDPSession } from '@playwright/test';

/** The DevTools protocol of a whole browser, for its SharedWorkers, of which a page's own protocol knows nothing. */
export interface SharedWorkers {
  /** Names of those that run. */
  names(): Promise<string[]>;
  /** Ends all that run, at once and without a word to them or to their pages. Gives the moment. */
  kill(): Promise<number>;
}

/** The SharedWorkers of this browser. */
export const sharedWorkersOf = async (browser: Browser): Promise<SharedWorkers> => {
  const devtools: CDPSession = await browser.newBrowserCDPSession();
  const targets = async () => {
    const { targetInfos } = await devtools.send('Target.getTargets', { filter: [{ type: 'shared_worker' }] });
    return targetInfos;
  };
  return {
    names: async () => (await targets()).map(({ title }) => title),
    async kill() {
      const running = await targets();
      const killedAt = Date.now();
      for (const { targetId } of running) await devtools.send('Target.closeTarget', { targetId });
      return killedAt;
    },
  };
};
