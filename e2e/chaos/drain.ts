import type { Page } from '@playwright/test';
import { setTimeout as delay } from 'node:timers/promises';
import { faults } from './faults.ts';
import * as chaosLimits from './limits.ts';
import type { Recorder } from './recorder.ts';
import { kindsOf } from './setting.ts';
import type { ServerRecord } from './story.ts';
import { within } from './within.ts';
import type { World } from './world.ts';

/** How a run came to rest. */
export interface Rest {
  readonly record: ServerRecord;
  /** Page loads that were there at the end. */
  readonly survivors: ReadonlySet<string>;
  /** What did not come to rest in time, with the state that it was in. */
  readonly stuck: readonly string[];
}

/** Ends every fault, lets the pages publish a last entry to each topic, and waits until all has arrived. */
export const drain = async (world: World, recorder: Recorder): Promise<Rest> => {
  world.server.cont();
  await world.server.start();
  world.proxy.heal();
  world.path.heal();
  await world.fillDisk(false);
  await world.tabs.fill(world.browser);
  let { pages } = world.tabs;
  for (const page of pages) await ask(page, () => page.evaluate(() => chaosPage.finish()));
  const stuck = await untilFinished(pages);
  if (stuck.length > 0) {
    // What only waits for the next hub is late, and a failure, but not lost.
    if (kindsOf(world.setting).has('close-worker')) await faults['close-worker'].begin(world, 0);
    pages = world.tabs.pages;
    stuck.push(...(await untilFinished(pages)).map((text) => `with the next hub, too: ${text}`));
  }
  const record = await world.record();
  const survivors = new Set<string>();
  for (const page of pages) survivors.add(await ask(page, () => page.evaluate(() => chaosPage.producer)));
  // What has not been seen by then is for the judge to find.
  const deadline = performance.now() + chaosLimits.seenMsMax;
  await until(deadline, async () => (sawAll(recorder, record, survivors) ? null : 'unseen'));
  stuck.push(...(await untilChecked(pages)));
  return { record, survivors, stuck };
};

/** What has not come to rest in time. */
const untilFinished = async (pages: readonly Page[]): Promise<string[]> => {
  const deadline = performance.now() + chaosLimits.drainMsMax;
  const left = [];
  for (const page of pages)
    left.push(await until(deadline, () => ask(page, () => page.evaluate(unfinished))));
  return left.filter((text) => text !== null);
};

/** Which pages have not read all Blobs that they have seen. */
const untilChecked = async (pages: readonly Page[]): Promise<string[]> => {
  const deadline = performance.now() + chaosLimits.checkedMsMax;
  const unread = (page: Page): Promise<string | null> => ask(page, () => page.evaluate(unchecked));
  const left = [];
  for (const page of pages) left.push(await until(deadline, () => unread(page)));
  return left.filter((text) => text !== null);
};

/** In the page: what it still reads. */
const unchecked = (): string | null => {
  const { producer, checking } = chaosPage;
  return checking === 0 ? null : `${producer} still reads ${checking} Blobs`;
};

const ask = <T>(page: Page, question: () => Promise<T>): Promise<T> =>
  within(chaosLimits.answerMsMax, page.url(), question());

/** In the page: what it still waits for. */
const unfinished = (): string | null => {
  const { producer, pending, socket } = chaosPage;
  const { queue, durability } = socket.status;
  // A hub in memory does not know what the store has.
  if (pending === 0 && queue.entries === 0 && durability !== 'memory') return null;
  return `${producer} waits for ${pending} of ${chaosPage.lastN} entries: ${chaosPage.statusText()}`;
};

const until = async (deadline: number, left: () => Promise<string | null>): Promise<string | null> => {
  for (;;) {
    const text = await left();
    if (text === null || performance.now() > deadline) return text;
    await delay(100);
  }
};

const sawAll = (recorder: Recorder, record: ServerRecord, survivors: ReadonlySet<string>): boolean => {
  const complete = new Set<string>();
  for (const { producer, topic, sights } of recorder.views) {
    if (sights.at(-1)?.offset === record.get(topic)?.length) complete.add(`${producer} ${topic}`);
  }
  return [...survivors].every((producer) =>
    [...record.keys()].every((topic) => complete.has(`${producer} ${topic}`)),
  );
};
