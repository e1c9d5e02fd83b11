import { expect, test, type BrowserContext, type Page } from '@playwright/test';
import { FreshApp, type Service } from './fresh-app.ts';

const installDeadlineMs = 180_000;

test.describe.configure({ mode: 'serial' });

test.describe('the packed package in a fresh app', () => {
  let app: FreshApp;

  test.beforeAll(async () => {
    test.setTimeout(installDeadlineMs);
    app = await FreshApp.create();
    await app.vite('build');
  });

  test.afterAll(async () => {
    await app?.remove();
  });

  const openTab = async (context: BrowserContext, page: string, realtime: Service): Promise<Page> => {
    const tab = await context.newPage();
    const url = new URL(page);
    url.searchParams.set('server', new URL('realtime', realtime.url).href.replace('http', 'ws'));
    await tab.goto(url.href);
    await expect(tab.locator('#state')).toHaveText('open');
    return tab;
  };

  /** Opens a page twice and checks that both tabs live on one connection. */
  const expectOneConnection = async (context: BrowserContext, page: string): Promise<void> => {
    const realtime = await app.start('server.js');
    try {
      const first = await openTab(context, page, realtime);
      const second = await openTab(context, page, realtime);
      await first.evaluate('publish({ title: "hello" })');
      for (const tab of [first, second]) {
        await expect(tab.locator('#messages')).toHaveText('{"title":"hello"}');
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

  test('shares one connection after a production build', async ({ context }) => {
    await withSite(app.serve('preview', '--port', '0'), (url) => expectOneConnection(context, url));
  });

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
