import { chromiumArgs, findChromium } from '../scripts/browser.mjs';
import { test } from './harness/test.ts';
const executablePath = findChromium();
test.use({ launchOptions: { args: chromiumArgs, ignoreDefaultArgs: ['--disable-back-forward-cache'], ...(executablePath && { executablePath }) } });
test('probe', async ({ backend, site, open }) => {
  test.setTimeout(200_000);
  const tab = await open();
  await tab.subscribe('news');
  await backend.publish('news', 'before');
  await tab.receivesPayload('news', 'before');
  await tab.page.evaluate(() => addEventListener('pageshow', ({ persisted }) => Object.assign(globalThis, { persisted })));
  const h = (await tab.status()).hubId;
  const t = Date.now();
  await tab.page.goto(`${site.origin}/elsewhere`);
  let last = '';
  while (Date.now() - t < 60_000) {
    const r = await backend.record();
    const line = JSON.stringify([r.connections, r.topics]);
    if (line !== last) console.log(Date.now() - t, line);
    last = line;
    await new Promise((f) => setTimeout(f, 100));
  }
  await backend.publish('news', 'away 1', 'away 2');
  await tab.page.goBack({ waitUntil: 'commit' });
  await tab.receivesPayload('news', 'away 2');
  console.log(await tab.page.evaluate(() => (globalThis as { persisted?: boolean }).persisted), h, await tab.status(), await tab.seen('news'), (await backend.record()).connections);
});
