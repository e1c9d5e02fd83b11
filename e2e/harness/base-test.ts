import { test as base } from '@playwright/test';
import { startBackend, type Backend } from './backend.ts';
import { capabilitiesOf, type Capabilities, type Host } from './capabilities.ts';
import type { PageSpec } from './page-tab.ts';
import type { ServerSettings } from './server-contract.ts';
import { startSite, type Site } from './site.ts';

/** A backoff short enough for tests that break connections. */
export const quickBackoff = { baseMs: 20, maxMs: 100, maxAttempts: 1_000 } as const;

/** Settings of a server whose history holds what a flood puts into a topic while somebody is away. */
export const longHistory = { limits: { historyMessages: 100_000, historyBytes: 64 * 1024 * 1024 } } as const;

/**
 * For tests that count the connections while a page goes: Firefox closes the socket of its worker (1001) some milliseconds
 * before the worker ends, which is time for one more attempt of a hub that waits no longer than that.
 */
export const patientBackoff = { baseMs: 2_000 } as const;

/** What a project sets. */
export interface E2eOptions {
  /** Where the hub runs. */
  host: Host;
}

interface Fixtures extends E2eOptions {
  /** What this browser and host can do. */
  can: Capabilities;
  /** Settings of the test's own server process; set them by `test.use`. */
  settings: ServerSettings;
  /** The test's own server process and the path to it. */
  backend: Backend;
  /** What a tab connects with: to the backend, by the project's host, unless told otherwise. */
  specOf: (spec?: Partial<PageSpec>) => PageSpec;
}

/** Playwright's test with a site and a server process per test, for whichever browser. */
export const baseTest = base.extend<Fixtures, { site: Site }>({
  site: [
    // Playwright reads the names of the fixtures that are needed off this pattern.
    // oxlint-disable-next-line no-empty-pattern
    async ({}, use) => {
      await using site = await startSite();
      await use(site);
    },
    { scope: 'worker' },
  ],
  host: ['shared-worker', { option: true }],
  can: async ({ browserName, host }, use) => use(capabilitiesOf(browserName, host)),
  settings: [{}, { option: true }],
  backend: async ({ settings }, use, testInfo) => {
    await using backend = await startBackend(settings);
    await use(backend);
    if (testInfo.status === testInfo.expectedStatus) return;
    process.stderr.write(`the log of the server of "${testInfo.title}":\n${await backend.log()}\n`);
  },
  specOf: async ({ backend, host }, use) =>
    use((spec) => ({
      url: backend.url,
      ...spec,
      options: { backoff: quickBackoff, host, ...spec?.options },
    })),
});
