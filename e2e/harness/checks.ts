import { randomUUID } from 'node:crypto';
import { expect, type Page } from '@playwright/test';
import type { Backend } from './backend.ts';
import type { Evaluates, Tab } from './tab.ts';

/** Does the same in all tabs at once. */
export const everyTab = <T, P extends Evaluates = Page>(
  tabs: readonly Tab<P>[],
  act: (tab: Tab<P>) => Promise<T>,
): Promise<T[]> => Promise.all(tabs.map(act));

/** Settles once the tab is connected through another hub than the one with this id; gives the new one's id. */
export const findsAnotherHub = (tab: Tab<Evaluates>, hubId: string | null): Promise<string | null> =>
  tab.page.evaluate(async (dead) => {
    const { socket } = pageTab;
    await pageTab.until(() => socket.status.state === 'open' && socket.status.hubId !== dead);
    return socket.status.hubId;
  }, hubId);

/** All tabs have seen everything that the server accepted in a topic, once and in that order, and told no gap. */
export const expectNoLoss = async (
  backend: Backend,
  tabs: readonly Tab<Evaluates>[],
  topic: string,
): Promise<void> => {
  const end = `end ${randomUUID()}`;
  await backend.publish(topic, end);
  for (const tab of tabs) await tab.receivesPayload(topic, end);
  const accepted = await backend.lines(topic);
  for (const tab of tabs) {
    expect(await tab.gaps(topic)).toEqual([]);
    expect(await tab.lines(topic)).toEqual(accepted);
  }
};

/** The ids of what was accepted in a topic, in order. */
export const acceptedIds = async (backend: Backend, topic: string): Promise<string[]> =>
  (await backend.lines(topic)).map((line) => line.split(' ')[1]!);

/** Everything that the tabs published is at the server, once, and in the order in which each of them published it. */
export const expectArrivedOnce = async (
  backend: Backend,
  tabs: readonly Tab<Evaluates>[],
  topic: string,
): Promise<void> => {
  const fates = await everyTab(tabs, (tab) => tab.fates());
  const arrived = await acceptedIds(backend, topic);
  for (const own of fates) {
    expect(new Set(own.flatMap(({ stored, acked }) => [stored, acked]))).toEqual(new Set(['ok']));
    const ids = own.map(({ id }) => id);
    expect(arrived.filter((id) => ids.includes(id))).toEqual(ids);
  }
};

/** Publishes, and settles once all of it is stored. Gives the ids. */
export const storesAll = (
  tab: Tab<Evaluates>,
  topic: string,
  payloads: readonly unknown[],
): Promise<string[]> =>
  tab.page.evaluate(
    async ([name, values]) => {
      const entries = values.map((value) => pageTab.publish(name, value));
      await pageTab.until(() => entries.every(({ stored }) => stored !== 'pending'));
      return entries.map(({ id }) => id);
    },
    [topic, payloads] as const,
  );
