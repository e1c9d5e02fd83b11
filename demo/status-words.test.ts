import type { SocketStatus } from 'onesocket';
import { expect, test } from 'vitest';
import { statusWords } from './status-words.ts';

const status = (more: Partial<SocketStatus>): SocketStatus => ({
  state: 'open',
  host: 'shared-worker',
  hubId: 'hub',
  tabId: 'tab',
  attempt: 0,
  nextRetryAt: null,
  rttMs: null,
  lastError: null,
  queue: { entries: 0, bytes: 0 },
  tabs: ['tab'],
  topics: 0,
  durability: 'memory',
  storeError: null,
  dropped: 0,
  signalsDropped: 0,
  isOutdated: false,
  ...more,
});
const lost = { code: 'disconnected', message: 'lost', retryable: true } as const;

test('says nothing of an old error once the connection is open', () => {
  expect(statusWords(status({ lastError: lost }), null, 0, 4.2)).toMatchObject({
    tone: 'good',
    detail: '4.2 ms round trip',
    fault: '',
  });
});

test('counts down to the next attempt, and never below zero', () => {
  const waiting = status({ state: 'backoff', attempt: 3, nextRetryAt: 10_000, lastError: lost });
  expect(statusWords(waiting, null, 8_400, null)).toMatchObject({
    tone: 'bad',
    detail: 'retry in 1.6 s',
    fault: 'disconnected: lost, 3 times in a row',
  });
  expect(statusWords(waiting, null, 10_900, null).detail).toBe('retry in 0.0 s');
});

test('does not call a frozen server open', () => {
  const frozen = { pid: 1, running: true, frozen: true, cut: false, counts: null };
  expect(statusWords(status({}), frozen, 0, 4.2)).toMatchObject({ tone: 'wait', detail: '' });
});
