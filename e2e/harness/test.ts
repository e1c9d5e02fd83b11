import { expect, type Page } from '@playwright/test';
import { baseTest } from './base-test.ts';
import { createKiller, type Killer } from './killer.ts';
import type { PageSpec } from './page-tab.ts';
import { openPage, Tab } from './tab.ts';

export { longHistory, patientBackoff, quickBackoff } from './base-test.ts';

/** Firefox reports what it logs of a socket, or of a script that it cannot load, as an error of the page. */
const aboutLoading =
  /^(?:Error: )?(The connection to|Firefox can’t establish a connection to|Loading |Security Error: Content at|Cross-Origin Request)/;

interface Fixtures {
  /** Opens a tab of the site, of its usual origin and connected to the backend unless told otherwise. */
  open: (spec?: Partial<PageSpec>, origin?: string) => Promise<Tab>;
  /** Ends tabs and hubs without a word. */
  kill: Killer<Page>;
  /** Opens so many tabs that may end together with a hub, where a hub cannot be killed alone. They come first. */
  openCarriers: (count: number, spec?: Partial<PageSpec>) => Promise<Tab[]>;
}

/** Playwright's test with a site, a server process per test, and tabs. A page may not have an unhandled error. */
export const test = baseTest.extend<Fixtures>({
  open: async ({ site, context, specOf }, use) => {
    const errors: Error[] = [];
    context.on('weberror', (event) => {
      const error = event.error();
      if (!aboutLoading.test(String(error))) errors.push(error);
    });
    await use(async (spec, origin = site.origin) => {
      const tab = new Tab(await openPage(context, `${origin}/`), specOf(spec));
      await tab.connect();
      return tab;
    });
    expect(errors, 'unhandled errors in pages').toEqual([]);
  },
  kill: async ({ browser, browserName, can, host }, use) =>
    use(createKiller({ browser, browserName, can, host })),
  openCarriers: async ({ can, open }, use) =>
    use(async (count, spec) => {
      const carriers: Tab[] = [];
      while (!can.killHubAlone && carriers.length < count) {
        const carrier = await open(spec);
        await carrier.page.evaluate(() => pageTab.until(() => pageTab.socket.status.hubId !== null));
        carriers.push(carrier);
      }
      return carriers;
    }),
});

export { expect };
