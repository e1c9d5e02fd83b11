import type { SocketStatus } from 'onesocket';
import { expect, test } from 'vitest';
import { durabilityWords } from './durability-words.ts';

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
  durability: 'strict',
  storeError: null,
  dropped: 0,
  signalsDropped: 0,
  isOutdated: false,
  ...more,
});

test('says nothing of the outbox before there is a hub', () => {
  expect(durabilityWords(status({ durability: null })).label).toBe('');
});

test('gives the reason where the outbox is in memory', () => {
  const storeError = { code: 'storage-failed', message: 'the disk is full', retryable: false } as const;
  expect(durabilityWords(status({ durability: 'memory', storeError }))).toMatchObject({
    tone: 'bad',
    label: 'outbox in memory only',
    fault: 'storage-failed: the disk is full',
  });
});

test('tells of damaged records, though the outbox is on the disk', () => {
  const storeError = { code: 'storage-failed', message: '1 damaged record', retryable: false } as const;
  expect(durabilityWords(status({ storeError }))).toMatchObject({
    tone: 'off',
    label: 'outbox on disk, strict',
    fault: 'storage-failed: 1 damaged record',
  });
});
