import fc from 'fast-check';
import { expect, it } from 'vitest';
import { platformClock } from '../clock.ts';
import type { StoreChange } from '../core/store-types.ts';
import { storeChange, storeEntry } from '../testing/store-conformance-kit.ts';
import { indexedDbOutbox } from './indexed-db-outbox.ts';

type Change =
  | { readonly kind: 'append' | 'purge'; readonly count: number }
  | { readonly kind: 'remove'; readonly places: readonly number[] }
  | { readonly kind: 'ack'; readonly place: number };
type Step =
  | Change
  | { readonly kind: 'wait' }
  | { readonly kind: 'reopen' }
  | { readonly kind: 'delete' }
  | { readonly kind: 'fail' };

/** Steps name entries by their place among those that are left, so that they mean something in every state. */
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('append'), count: fc.integer({ min: 1, max: 6 }) }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('remove'), places: fc.array(fc.nat(30), { maxLength: 4 }) }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('ack'), place: fc.nat(30) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('purge'), count: fc.nat(2) }) },
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constantFrom('wait', 'wait', 'wait', 'reopen', 'delete', 'fail') }),
  },
);

/** What the store should hold. */
class Model {
  seqs: number[] = [];
  acked = 0;
  lastSeq = 0;
  tabSeq = 0;
  failures: number[] = [];

  change(todo: Change): StoreChange {
    switch (todo.kind) {
      case 'ack': {
        const acked = this.seqs[todo.place] ?? null;
        if (acked !== null) this.acked = acked;
        this.seqs = this.seqs.filter((seq) => seq > this.acked);
        return storeChange({ acked });
      }
      case 'remove': {
        const removed = [...new Set(todo.places.flatMap((place) => this.seqs[place] ?? []))];
        this.seqs = this.seqs.filter((seq) => !removed.includes(seq));
        this.failures.push(...removed);
        const error = { code: 'expired', message: '', retryable: false } as const;
        const failures = removed.map((tabSeq) => ({ tabId: 'a', tabSeq, id: 'i', topic: 't', error }));
        return storeChange({ removed, failures });
      }
      case 'append':
      case 'purge': {
        const isPurge = todo.kind === 'purge';
        if (isPurge) [this.seqs, this.failures] = [[], []];
        const entries = Array.from({ length: todo.count }, () => storeEntry(++this.lastSeq));
        this.seqs.push(...entries.map(({ seq }) => seq));
        return storeChange({ entries, purge: isPurge, tabSeqs: [['a', ++this.tabSeq]] });
      }
    }
  }
}

async function deleteDatabase(name: string): Promise<void> {
  const request = indexedDB.deleteDatabase(name);
  await new Promise((resolve) => request.addEventListener('success', resolve));
}

/** Lets the next transaction of this database fail. */
function failOnce(name: string): () => void {
  const put = IDBObjectStore.prototype.put;
  const restore = () => void (IDBObjectStore.prototype.put = put);
  IDBObjectStore.prototype.put = function (...args) {
    const request = put.apply(this, args);
    if (this.transaction.db.name === name) {
      this.transaction.abort();
      restore();
    }
    return request;
  };
  return restore;
}

it('holds what a plain array holds, whatever is committed, and whenever it fails, is deleted or opened again', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const name = crypto.randomUUID();
      const model = new Model();
      const damage: unknown[] = [];
      const open = async () => {
        const store = indexedDbOutbox(name, platformClock);
        const stored = await store.open({
          durability: 'relaxed',
          onHealth: ({ durability, error }) => void (durability === 'relaxed' && error && damage.push(error)),
          onFenced() {},
        });
        model.lastSeq = stored.lastSeq;
        return { store, stored };
      };
      let { store } = await open();
      let newest: Promise<unknown> = Promise.resolve();
      let restore = () => {};
      const reopen = async () => {
        restore();
        // Whatever was deleted is written anew with the next commit.
        await store.commit(model.change({ kind: 'append', count: 1 }));
        await store.close();
        const opened = await open();
        store = opened.store;
        return opened.stored;
      };
      for (const todo of steps) {
        if (todo.kind === 'wait') await newest;
        else if (todo.kind === 'delete') await deleteDatabase(name);
        else if (todo.kind === 'fail') {
          restore();
          restore = failOnce(name);
        } else if (todo.kind === 'reopen') await reopen();
        else newest = store.commit(model.change(todo));
      }
      const { entries, acked, tabSeqs, failures } = await reopen();
      expect(entries.map(({ seq }) => seq)).toEqual(model.seqs);
      expect([acked, damage]).toEqual([model.acked, []]);
      expect(tabSeqs).toEqual([['a', model.tabSeq]]);
      expect([...new Set(failures.map(({ tabSeq }) => tabSeq))]).toEqual(model.failures);
      await store.close();
      await deleteDatabase(name);
    }),
    { numRuns: 150 },
  );
}, 60_000);
