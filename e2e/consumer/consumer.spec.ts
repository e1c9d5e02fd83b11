import { expect, test, type BrowserContext, type Page } from '@playwright/test';
import { FreshApp, type Service } from './fresh-app.ts';

const installDeadlineMs = 180_000;
const bundlerDeadlineMs = 120_000;
const hosts = ['shared-worker', 'dedicated-worker', 'page'] as const;

test.describe.configure({ mode: 'serial' });

test.describe('the packed package in a fresh app', () => {
  let app: FreshApp;

  test.beforeAll(async () => {
    test.setTimeout(installDeadlineMs);
    app = await FreshApp.create(['vite']);
    await app.vite('build');
  });

  test.afterAll(async () => {
    await app?.remove();
  });

  const openTab = async (
    context: BrowserContext,
    page: string,
    realtime: Service,
    host?: string,
  ): Promise<Page> => {
    const tab = await context.newPage();
    const url = new URL(page);
    if (host !== undefined) url.searchParams.set('host', host);
    url.searchParams.set('server', new URL('realtime', realtime.url).href.replace('http', 'ws'));
    await tab.goto(url.href);
    await expect(tab.locator('#state')).toHaveText('open');
    return tab;
  };

  /** Opens a page twice and checks that both tabs live on one connection. */
  const expectOneConnection = async (context: BrowserContext, page: string, host?: string): Promise<void> => {
    const realtime = await app.start('server.js');
    try {
      const first = await openTab(context, page, realtime, host);
      const second = await openTab(context, page, realtime, host);
      await first.evaluate('publish({ title: "hello" })');
      for (const tab of [first, second]) {
        await expect(tab.locator('#messages')).toHaveText('{"title":"hello"}');
      }
      await second.evaluate('publish({ title: "and back" })');
      for (const tab of [first, second]) {
        await expect(tab.locator('#messages')).toContainText('{"title":"and back"}');
        if (host !== undefined) expect(await tab.evaluate('host()')).toBe(host);
      }
      const stats = await fetch(new URL('stats', realtime.url));
      expect(await stats.json()).toEqual({ connections: 1 });
    } finally {
      await realtime.stop();
    }
  };

  const withSite = async (site: Promise<Service>, use: (url: string) => Promise<void>): Promise<void> => {
    const service = await site;
    try {
      await use(service.url);
    } finally {
      await service.stop();
    }
  };

  for (const host of [undefined, ...hosts]) {
    const named = host === undefined ? '' : ` with the host ${host}`;

    test(`shares one connection after a production build${named}`, async ({ context }) => {
      await withSite(app.serve('preview', '--port', '0'), (url) => expectOneConnection(context, url, host));
    });
  }

  for (const bundler of ['webpack', 'rspack'] as const) {
    test(`shares one connection after a build by ${bundler}, which emits the worker by itself`, async ({
      context,
    }) => {
      test.setTimeout(bundlerDeadlineMs);
      const scripts = await app.bundle(bundler, `dist-${bundler}`);
      expect(scripts).toHaveLength(2);
      await withSite(app.start('plain.js', `dist-${bundler}`), async (url) => {
        for (const host of hosts) await expectOneConnection(context, url, host);
      });
    });
  }

  test('shares one connection after a build that inlines every asset it may', async ({ context }) => {
    await app.vite('build', '--outDir', 'dist-inlined', '--assetsInlineLimit', '1000000');
    const site = app.serve('preview', '--port', '0', '--outDir', 'dist-inlined');
    await withSite(site, (url) => expectOneConnection(context, url));
  });

  test('shares one connection on the development server, without any setting', async ({ context }) => {
    await withSite(app.serve('dev', '--port', '0'), (url) => expectOneConnection(context, url));
  });

  test('takes a worker URL from the app', async ({ context }) => {
    await withSite(app.serve('preview', '--port', '0'), async (url) => {
      await expectOneConnection(context, new URL('worker-option.html', url).href);
    });
  });

  test('runs without a bundler', async ({ context }) => {
    await withSite(app.start('plain.js'), (url) => expectOneConnection(context, url));
  });
});
