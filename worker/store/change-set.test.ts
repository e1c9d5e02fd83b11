import { expect, test } from 'vitest';
import type { Entry, StoreChange } from '../core/store-types.ts';
import { ChangeSet } from './change-set.ts';

const nothing = new ChangeSet().merged();
const entry = (seq: number): Entry => ({
  seq,
  tabId: 'a',
  tabSeq: seq,
  id: `a${seq}`,
  topic: 't',
  json: '1',
  ts: 0,
  expiresAt: null,
});

test.each<[string, Partial<StoreChange>, Partial<StoreChange>]>([
  ['in the log, until it is acknowledged', { entries: [entry(1), entry(2)], removed: [1] }, { acked: 2 }],
  ['in the log, until it is removed', { entries: [entry(1)] }, { removed: [1] }],
  ['held, until it is held no more', { held: [entry(1)] }, { heldRemoved: [1] }],
])('has an entry for the server that is %s', (_, before, after) => {
  const changes = new ChangeSet();
  changes.add({ ...nothing, ...before });
  expect(changes.hasNoEntries).toBe(false);
  changes.add({ ...nothing, ...after });
  expect(changes.hasNoEntries).toBe(true);
});

test('has an entry held that was to go into the log, and stays', () => {
  const changes = new ChangeSet();
  changes.add({ ...nothing, heldRemoved: [1], entries: [entry(2)] });
  changes.add({ ...nothing, held: [entry(1)], removed: [2] });
  expect(changes.merged()).toMatchObject({ entries: [], held: [entry(1)], heldRemoved: [] });
});
