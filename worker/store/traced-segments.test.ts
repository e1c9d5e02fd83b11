import { expect, it } from 'vitest';
import type { Entry } from '../core/store-types.ts';
import { decodeSegment, encodeSegment } from './segments.ts';

const trace = { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` };
const entry: Entry = {
  seq: 5,
  tabId: 't',
  tabSeq: 1,
  id: 'm',
  topic: 'c',
  json: '1',
  ts: 1,
  expiresAt: null,
  trace,
};

it('a record keeps the trace of its entries', () => {
  const { trace: _, ...untraced } = entry;
  const entries = [entry, { ...untraced, seq: 6 }];
  expect(decodeSegment(encodeSegment(entries), 0)).toEqual(entries);
});

it('a record from before there were traces, or with a damaged one, loses no entry', () => {
  const { trace: _, ...untraced } = entry;
  const record = encodeSegment([untraced]);
  expect(decodeSegment(record.slice(0, -1), 0)).toEqual([untraced]);
  expect(decodeSegment([...record.slice(0, -1), 7], 0)).toHaveLength(1);
});
