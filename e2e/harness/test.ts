import { test as base, expect } from '@playwright/test';
import { startBackend, type Backend } from './backend.ts';
import type { PageSpec } from './page-tab.ts';
import type { ServerSettings } from './server-contract.ts';
import { startSite, type Site } from './site.ts';
import { openTab, type Tab } from './tab.ts';

/** A backoff short enough for tests that break connections. */
export const quickBackoff = { baseMs: 20, maxMs: 100, maxAttempts: 1_000 } as const;

interface Fixtures {
  /** Settings of the test's own server process; set them by `test.use`. */
  settings: ServerSettings;
  /** The test's own server process and the path to it. */
  backend: Backend;
  /** Opens a tab of the site, connected to the backend unless told otherwise. */
  open: (spec?: Partial<PageSpec>) => Promise<Tab>;
}

/** Playwright's test with a site, a server process per test, and tabs. A page may not have an unhandled error. */
export const test = base.extend<Fixtures, { site: Site }>({
  site: [
    // Playwright reads the names of the fixtures that are needed off this pattern.
    // oxlint-disable-next-line no-empty-pattern
    async ({}, use) => {
      await using site = await startSite();
      await use(site);
    },
    { scope: 'worker' },
  ],
  settings: [{}, { option: true }],
  backend: async ({ settings }, use) => {
    await using backend = await startBackend(settings);
    await use(backend);
  },
  open: async ({ site, context, backend }, use) => {
    const errors: Error[] = [];
    context.on('weberror', (error) => errors.push(error.error()));
    await use((spec) =>
      openTab(context, {
        pageUrl: `${site.origin}/`,
        url: backend.url,
        ...spec,
        options: { backoff: quickBackoff, ...spec?.options },
      }),
    );
    expect(errors, 'unhandled errors in pages').toEqual([]);
  },
});

export { expect };
