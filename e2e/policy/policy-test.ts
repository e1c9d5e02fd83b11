import { test as base, expect, type Page } from '@playwright/test';
import type { ConnectOptions, SocketStatus } from 'onesocket';
import { startBackend, type Backend } from '../harness/backend.ts';
import { startPolicySite, type Load, type PolicySite } from './policy-site.ts';

/** What a page is loaded and connected with. */
export interface PolicyPageSpec {
  readonly load?: Load;
  readonly options?: Pick<ConnectOptions, 'host' | 'worker' | 'backoff'>;
}

/** A page of the site, as its user sees it: no script of ours runs in it that its policy would not allow. */
class PolicyPage {
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
  }

  async status(): Promise<SocketStatus> {
    return JSON.parse((await this.page.locator('#status').textContent()) ?? '') as SocketStatus;
  }

  /** Settles with the first status that has the state. */
  async reaches(state: SocketStatus['state']): Promise<SocketStatus> {
    await expect(this.page.locator('#status')).toContainText(`"state":"${state}"`, { timeout: 15_000 });
    return this.status();
  }

  async publish(text: string): Promise<void> {
    await this.page.locator('input').fill(text);
    await this.page.locator('button').click();
  }

  /** Settles when these have come, in this order, and nothing else. */
  async receives(...texts: readonly string[]): Promise<void> {
    await expect(this.page.locator('#messages')).toHaveText(texts.map((text) => `${text}\n`).join(''));
  }
}

interface Fixtures {
  backend: Backend;
  site: PolicySite;
  /** Opens a tab of the site. */
  visit: (spec?: PolicyPageSpec) => Promise<PolicyPage>;
  /** Violations of the policy, errors and warnings of all tabs. */
  complaints: string[];
}

/** Playwright's test with a server, and a site that sends a content security policy. */
export const test = base.extend<Fixtures>({
  // Playwright reads the names of the fixtures that are needed off these patterns.
  // oxlint-disable-next-line no-empty-pattern
  backend: async ({}, use) => {
    await using backend = await startBackend();
    await use(backend);
  },
  // oxlint-disable-next-line no-empty-pattern
  site: async ({}, use) => {
    await using site = await startPolicySite();
    await use(site);
  },
  complaints: async ({ context }, use) => {
    const complaints: string[] = [];
    // The icon is the browser's own idea.
    const complain = (text: string) => text.includes('favicon.ico') || complaints.push(text);
    context.on('weberror', (error) => complain(String(error.error())));
    context.on('console', (line) => {
      if (['error', 'warning'].includes(line.type())) complain(line.text());
    });
    await use(complaints);
  },
  visit: async ({ context, site, backend, complaints: _ }, use) => {
    await use(async ({ load = 'classic', options = {} } = {}) => {
      const page = await context.newPage();
      const query = new URLSearchParams({ load, server: backend.url, options: JSON.stringify(options) });
      await page.goto(`${site.origin}/page.html?${query}`);
      return new PolicyPage(page);
    });
  },
});

/** Two tabs, one connection, and messages both ways. Gives the status of the first. */
export const expectOneConnection = async (
  visit: Fixtures['visit'],
  backend: Backend,
  spec: PolicyPageSpec,
): Promise<SocketStatus> => {
  const first = await visit(spec);
  await first.reaches('open');
  const second = await visit(spec);
  await second.reaches('open');
  await first.publish('one');
  for (const tab of [first, second]) await tab.receives('one');
  await second.publish('two');
  await backend.publish('news', 'three');
  for (const tab of [first, second]) {
    await expect(tab.page.locator('#messages')).toContainText('two');
    await expect(tab.page.locator('#messages')).toContainText('three');
    expect((await tab.status()).hubId).toBe((await first.status()).hubId);
  }
  expect((await backend.record()).connections).toEqual({ now: 1, ever: 1 });
  return first.status();
};

export { expect };
