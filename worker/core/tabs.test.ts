import { describe, expect, it } from 'vitest';
import { errorData } from '../../src/protocol/errors.ts';
import { nextBatch } from './batch-window.ts';
import * as coreLimits from './limits.ts';
import { isDue, takeAnswers, Tabs } from './tabs.ts';
import { tabsOf } from './testing/topics.ts';

const error = errorData('rejected', 'no');
const failed = (tabId: string, tabSeq: number) =>
  ({ kind: 'failed', tabId, tabSeq, id: `${tabId}${tabSeq}`, topic: 't', error }) as const;

describe('the tabs that can be asked for a token', () => {
  const order = (arrange: (tabs: Tabs) => void) => {
    const tabs = new Tabs();
    for (const id of ['a', 'b', 'c']) tabs.add(id, true, 0);
    arrange(tabs);
    return tabs.tokenSources();
  };

  it('are asked from the newest on, where all are alike', () => {
    expect(order(() => {})).toEqual(['c', 'b', 'a']);
  });

  it('are asked from the one that was used last', () => {
    expect(order((tabs) => tabs.touch(tabs.get('a')!))).toEqual(['a', 'c', 'b']);
  });

  it('are only those that have an auth option', () => {
    expect(order((tabs) => tabs.add('d', false, 0))).toEqual(['c', 'b', 'a']);
  });
});

describe('a tab', () => {
  it('is due when it has credit and something to be told', () => {
    const [tab] = tabsOf('a');
    expect(isDue(tab!)).toBe(false);
    tab!.statusIsDirty = true;
    expect(isDue(tab!)).toBe(true);
    for (let count = 0; count < coreLimits.batchesUnderWay; count++) nextBatch(tab!.window);
    expect(isDue(tab!)).toBe(false);
  });

  it('is told of its entries: failures one by one and first, the rest cumulatively', () => {
    const tabs = new Tabs();
    const tab = tabs.add('a', false, 0);
    for (const upTo of [2, 5, 3]) tabs.tellFate({ kind: 'stored', tabId: 'a', upTo });
    tabs.tellFate({ kind: 'acked', tabId: 'a', upTo: 3 });
    tabs.tellFate(failed('a', 2));
    expect(takeAnswers(tab)).toEqual([
      { kind: 'failed', tabSeq: 2, error },
      { kind: 'stored', upTo: 5 },
      { kind: 'acked', upTo: 3 },
    ]);
    expect(takeAnswers(tab)).toEqual([]);
    expect(isDue(tab)).toBe(false);
  });
});

describe('the failures of a tab', () => {
  const tabSeqsOf = (tabs: Tabs, tabId: string) => tabs.failuresOf(tabId).map(({ tabSeq }) => tabSeq);

  it('are kept with their errors while it is away, apart from those of other tabs', () => {
    const tabs = new Tabs();
    tabs.tellFate(failed('away', 1));
    tabs.tellFate(failed('other', 7));
    tabs.tellFate({ kind: 'stored', tabId: 'away', upTo: 9 });
    tabs.tellFate({ kind: 'acked', tabId: 'away', upTo: 2 });
    tabs.tellFate(failed('away', 3));
    expect(tabs.failuresOf('away')).toMatchObject([
      { tabSeq: 1, error },
      { tabSeq: 3, error },
    ]);
    expect([tabSeqsOf(tabs, 'other'), tabSeqsOf(tabs, 'unknown')]).toEqual([[7], []]);
  });

  it('are kept after they were told, since nobody knows whether it took them', () => {
    const tabs = new Tabs();
    const tab = tabs.add('a', false, 0);
    tabs.tellFate(failed('a', 1));
    expect(takeAnswers(tab)).toHaveLength(1);
    tabs.remove('a');
    tabs.tellFate(failed('a', 2));
    expect([tabSeqsOf(tabs, 'a'), tabSeqsOf(tabs, 'a')]).toEqual([
      [1, 2],
      [1, 2],
    ]);
  });

  it('are for the reply to its attach, and no answers of the new attachment', () => {
    const tabs = new Tabs();
    tabs.tellFate(failed('away', 1));
    const tab = tabs.add('away', false, 0);
    expect([isDue(tab), takeAnswers(tab)]).toEqual([false, []]);
  });

  it('do not fill the memory: the newest of all tabs are kept', () => {
    const tabs = new Tabs();
    const { keptFailures } = coreLimits;
    tabs.add('here', false, 0);
    tabs.tellFate(failed('here', 1));
    for (let tabSeq = 1; tabSeq < keptFailures; tabSeq++) tabs.tellFate(failed('away', tabSeq));
    expect([tabSeqsOf(tabs, 'here'), tabSeqsOf(tabs, 'away').length]).toEqual([[1], keptFailures - 1]);
    tabs.tellFate(failed('away', keptFailures));
    expect([tabSeqsOf(tabs, 'here'), tabSeqsOf(tabs, 'away').length]).toEqual([[], keptFailures]);
    tabs.tellFate(failed('here', 2));
    expect(tabSeqsOf(tabs, 'here')).toEqual([2]);
    expect([tabSeqsOf(tabs, 'away')[0], tabSeqsOf(tabs, 'away').at(-1)]).toEqual([2, keptFailures]);
  });
});

describe('the failures of an earlier hub', () => {
  it('are remembered, and found by the id of their entry', () => {
    const { kind: _, ...record } = failed('a', 1);
    const tabs = new Tabs([record]);
    expect(tabs.failuresOf('a')).toEqual([{ tabSeq: 1, error }]);
    expect([tabs.failureOf('a1'), tabs.failureOf('a2'), tabs.failures]).toEqual([error, undefined, [record]]);
  });
});

describe('the tabs', () => {
  it('are known by id, in the order in which they came', () => {
    const tabs = new Tabs();
    for (const id of ['b', 'a', 'c']) tabs.add(id, false, 0);
    tabs.remove('a');
    expect([tabs.ids, tabs.size, tabs.get('a')]).toEqual([['b', 'c'], 2, undefined]);
  });
});
