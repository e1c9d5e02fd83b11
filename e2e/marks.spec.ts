import type { Page } from '@playwright/test';
import { openPage, Tab } from './harness/tab.ts';
import { expect, test } from './harness/test.ts';

/** What an observer in the page was told, as it came. */
interface Observed {
  readonly name: string;
  /** Of the delivery that it is about. */
  readonly id: string | undefined;
  readonly isInOrder: boolean;
}

/** Puts an observer into a page, before anything connects. */
const observe = (page: Page): Promise<void> =>
  page.evaluate(() => {
    const observed: Observed[] = [];
    Object.assign(globalThis, { observed });
    new PerformanceObserver((list) => {
      for (const { name, startTime, duration, detail } of list.getEntries() as PerformanceMeasure[]) {
        const about = detail as { readonly id?: string } | null;
        observed.push({ name, id: about?.id, isInOrder: startTime >= 0 && duration >= 0 });
      }
      pageTab.changed();
    }).observe({ type: 'measure' });
  });

/** Settles once so much was observed; gives it. */
const observed = (page: Page, count: number): Promise<Observed[]> =>
  page.evaluate(async (wanted) => {
    const seen = (globalThis as unknown as { observed: Observed[] }).observed;
    await pageTab.until(() => seen.length >= wanted);
    return seen;
  }, count);

const namesOf = (entries: readonly Observed[]): string[] => entries.map(({ name }) => name).toSorted();

test('with `marks` each tab measures what it did itself, once, and leaves nothing behind; others measure nothing', async ({
  backend,
  context,
  site,
  specOf,
}) => {
  const openObserved = async (marks: boolean): Promise<Tab> => {
    const page = await openPage(context, `${site.origin}/`);
    await observe(page);
    const tab = new Tab(page, specOf({ options: { marks } }));
    await tab.connect();
    await tab.reaches('open');
    return tab;
  };
  const [first, second, silent] = [
    await openObserved(true),
    await openObserved(true),
    await openObserved(false),
  ];
  for (const tab of [first, second, silent]) await tab.subscribe('news');
  await first.publish('news', 'one', 'two');
  await silent.publish('news', 'three');
  for (const tab of [first, second, silent]) await tab.receives('news', 3);
  const published = await first.fates();
  await silent.fates();

  // A connection that was lost is not measured again, nor is a topic that goes on.
  backend.proxy.cut();
  await first.leaves('open');
  backend.proxy.heal();
  await first.reaches('open');
  await backend.publish('news', 'four');
  for (const tab of [first, second, silent]) await tab.receives('news', 4);

  const own = ['onesocket:connect-open', 'onesocket:subscribe-message'];
  const [ofFirst, ofSecond] = [await observed(first.page, 6), await observed(second.page, 2)];
  const twice = ['acked', 'acked', 'stored', 'stored'].map((what) => `onesocket:publish-${what}`);
  expect(namesOf(ofFirst)).toEqual([...own, ...twice].toSorted());
  expect(namesOf(ofSecond)).toEqual(own);
  for (const { id } of published) expect(ofFirst.filter((entry) => entry.id === id)).toHaveLength(2);
  expect([...ofFirst, ...ofSecond].every(({ isInOrder }) => isInOrder)).toBe(true);

  // The observer of a page hears its measures in their order: this one is behind any other.
  await silent.page.evaluate(() => void performance.measure('the end'));
  expect(namesOf(await observed(silent.page, 1))).toEqual(['the end']);
  for (const { page } of [first, second]) {
    expect(await page.evaluate(() => performance.getEntriesByType('measure').length)).toBe(0);
  }
});
