import { describe, expect, it } from 'vitest';
import { HubDriver } from '../core/testing/hub-driver.ts';
import { PlainStore } from '../core/testing/plain-store.ts';
import type { Entry } from '../core/store-types.ts';
import { decodeSegment, encodeSegment } from './segments.ts';

const trace = { traceparent: `00-${'1'.repeat(32)}-${'b'.repeat(16)}-01`, tracestate: 'shop=7' };

/** Entries after they were a record in the database: what a record does not keep is lost here. */
function throughRecord(entries: readonly Entry[]): readonly Entry[] {
  return entries.length === 0 ? entries : decodeSegment(structuredClone(encodeSegment(entries)), 0)!;
}

/** Writes all that a hub has asked for. */
function writeAll(store: PlainStore, hub: HubDriver): void {
  for (const { change } of hub.all('persist')) {
    const [entries, held] = [
      throughRecord(change.entries),
      change.held.flatMap((entry) => throughRecord([entry])),
    ];
    store.write({ ...change, entries, held });
  }
}

describe('a message that is sent after a restart', () => {
  it('has the trace of its publish; one that has none gets none', () => {
    const store = new PlainStore();
    const first = new HubDriver({}, store.open());
    first.attach('a');
    first.publish('a', [1], { trace });
    first.publish('a', [2]);
    writeAll(store, first);
    const next = new HubDriver({}, store.open()).connect('b');
    const [traced, untraced] = next.sent('publish');
    expect(traced!.head).toMatchObject({ id: 'a1', trace });
    expect(untraced!.head).toMatchObject({ id: 'a2' });
    expect(untraced!.head).not.toHaveProperty('trace');
  });

  it('has it through many restarts, and where it waited behind a large one', () => {
    const store = new PlainStore();
    const first = new HubDriver({}, store.open());
    first.attach('a');
    const large = { blob: new Blob(['0123456789']), form: 'blob' } as const;
    const op = { kind: 'publish', topic: 't', ts: first.now, trace } as const;
    first.ops('a', { ...op, tabSeq: 1, id: 'large', large }, { ...op, tabSeq: 2, id: 'behind', json: '1' });
    writeAll(store, first);
    writeAll(store, new HubDriver({}, store.open()));
    const next = new HubDriver({}, store.open()).connect('b');
    const [offer] = next.sent('offer');
    expect(next.sent('publish')).toEqual([]);
    next.ops('b', { kind: 'withdraw', id: 'w', entryId: 'large' });
    expect(offer!.head.transfer).toBe('large');
    expect(next.sent('publish').map(({ head }) => [head.id, head.trace])).toEqual([['behind', trace]]);
  });
});
