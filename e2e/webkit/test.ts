import { expect } from '@playwright/test';
import { baseTest } from '../harness/base-test.ts';
import { createSignalKiller, type Killer } from '../harness/killer.ts';
import type { PageSpec } from '../harness/page-tab.ts';
import { Tab } from '../harness/tab.ts';
import { startDriver, type WebKitDriver } from './driver.ts';
import { startSession, type Session, type WebKitPage } from './session.ts';

/** A tab of WebKitGTK. */
export type WebKitTab = Tab<WebKitPage>;

interface Fixtures {
  /** The test's own browser. */
  session: Session;
  /** Opens a tab of the site, connected to the backend. */
  open: (spec?: Partial<PageSpec>) => Promise<WebKitTab>;
  /** Ends tabs and hubs without a word. */
  kill: Killer<WebKitPage>;
}

/** Playwright's test with a site, a server process per test, and tabs of WebKitGTK, which WebDriver drives. */
export const test = baseTest.extend<Fixtures, { driver: WebKitDriver }>({
  driver: [
    // oxlint-disable-next-line no-empty-pattern
    async ({}, use) => {
      await using driver = await startDriver();
      await use(driver);
    },
    { scope: 'worker' },
  ],
  session: async ({ driver }, use) => {
    await using session = await startSession(await driver.start());
    await use(session);
  },
  open: async ({ session, site, specOf }, use) =>
    use(async (spec) => {
      const tab = new Tab(await session.open(`${site.origin}/`), specOf(spec));
      await tab.connect();
      return tab;
    }),
  kill: async ({ host }, use) => use(createSignalKiller('webkit', host)),
});

export { expect };
