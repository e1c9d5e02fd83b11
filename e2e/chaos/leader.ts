import type { Page } from '@playwright/test';
import * as chaosLimits from './limits.ts';
import { within } from './within.ts';
import type { World } from './world.ts';

/** What has the hub lock. */
export interface Leader {
  /** Of the window or the worker that has it, as the browser names them. */
  readonly clientId: string;
  /** The page whose window has it; null where it is a SharedWorker. */
  readonly page: Page | null;
}

/** In the page: who has the hub lock, and which tab that is. */
const holderOf = async (): Promise<{ clientId: string; tabId: string | undefined } | null> => {
  const { held = [] } = await navigator.locks.query();
  const clientId = held.find(({ name }) => name?.endsWith(':hub'))?.clientId;
  if (clientId === undefined) return null;
  const names = held.flatMap((lock) => (lock.clientId === clientId ? [lock.name!] : []));
  return {
    clientId,
    tabId: names.map((name) => /:tab:([^:]*)/.exec(name)?.[1]).find((id) => id !== undefined),
  };
};

const ask = <T>(page: Page, question: () => Promise<T> | T): Promise<T | null> =>
  within(chaosLimits.answerMsMax, page.url(), page.evaluate(question)).catch(() => null);

/** Who has the hub lock, by what the first page says that answers. */
export const findLeader = async (pages: readonly Page[]): Promise<Leader | null> => {
  for (const asked of pages) {
    const holder = await ask(asked, holderOf);
    if (holder === null) continue;
    const { clientId, tabId } = holder;
    if (tabId === undefined) return { clientId, page: null };
    for (const page of pages) {
      if ((await ask(page, () => chaosPage.socket.status.tabId)) === tabId) return { clientId, page };
    }
  }
  return null;
};

/** The process in which the hub runs, if there is a hub, and what to call it. */
export const findHub = async ({ tabs, browser }: World): Promise<{ pid: number; name: string } | null> => {
  const leader = await findLeader(tabs.pages);
  if (leader?.page) return { pid: await browser.processOf(leader.page), name: nameOf(leader.page) };
  const pid = await browser.workerProcess();
  return pid === undefined ? null : { pid, name: 'the SharedWorker' };
};

/** A page in the log. */
export const nameOf = (page: Page): string => new URL(page.url()).pathname;
