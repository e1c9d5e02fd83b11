import { describe, expect, it, vi } from 'vitest';
import { createSight } from './sight.ts';
import { initialStatus } from './status.ts';
import { readTrace } from './trace.ts';

const open = { ...initialStatus('t'), hubId: 'h', state: 'open' } as const;
const delivery = (id: string) => ({
  id,
  stored: Promise.resolve(),
  acked: Promise.resolve(),
  cancel: () => Promise.resolve(false),
});

/** The measures that an observer gets while `run` runs. */
async function observed(run: () => Promise<void>): Promise<string[]> {
  const names: string[] = [];
  const observer = new PerformanceObserver((list) =>
    names.push(...list.getEntries().map(({ name }) => name)),
  );
  observer.observe({ entryTypes: ['measure'] });
  await run();
  await vi.waitUntil(() => names.length >= 4);
  observer.disconnect();
  return names;
}

describe('the sight of a tab', () => {
  it('measures once each, for an observer, and leaves nothing on the timeline', async () => {
    const names = await observed(async () => {
      const sight = createSight(true);
      sight.status(open);
      sight.status(open);
      await sight.published(delivery('d')).acked;
      sight.subscribed(1);
      sight.heard(1, 2);
      sight.heard(1, 2);
    });
    expect(names.toSorted()).toEqual([
      'onesocket:connect-open',
      'onesocket:publish-acked',
      'onesocket:publish-stored',
      'onesocket:subscribe-message',
    ]);
    expect(performance.getEntriesByType('measure')).toEqual([]);
  });

  it('measures nothing unless asked, and counts all the same', async () => {
    const measure = vi.spyOn(performance, 'measure');
    const sight = createSight(false);
    sight.status(open);
    sight.published(delivery('d'));
    sight.subscribed(1);
    sight.heard(1, 2);
    sight.dropped('expired');
    await sight.requested(Promise.resolve(1));
    await sight.requested(Promise.reject(new Error('no'))).catch(() => {});
    expect(measure).not.toHaveBeenCalled();
    expect(sight.metrics(3)).toEqual({
      hubsJoined: 1,
      entriesPublished: 1,
      entriesPending: 3,
      entriesDropped: { expired: 1 },
      messagesReceived: 2,
      gapsReceived: 0,
      requestsSent: 2,
      requestsFailed: 1,
    });
  });
});

describe('the trace of a page', () => {
  const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;

  it('is asked each time, and goes on as what it is', () => {
    let count = 0;
    const trace = readTrace(() => ({ traceparent, tracestate: `n=${(count += 1)}` }));
    expect([trace(), trace()]).toEqual([
      { trace: { traceparent, tracestate: 'n=1' } },
      { trace: { traceparent, tracestate: 'n=2' } },
    ]);
  });

  it('is none where the app gives none, or what is none', () => {
    expect(readTrace(undefined)()).toEqual({});
    expect(readTrace(() => undefined)()).toEqual({});
    expect(readTrace(() => ({ traceparent: 'nonsense' }))()).toEqual({});
  });
});
