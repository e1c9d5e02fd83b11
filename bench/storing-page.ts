import type * as Onesocket from 'onesocket';
import { libraryPath, topic } from './contract.ts';
import type { Page } from 'playwright';

/**
 * Ways to store a message: the outbox, one IndexedDB transaction per message (each awaited, or all at once), or
 * the store of Logux.
 */
export type Way = 'ours' | 'sequential' | 'pipelined' | 'logux';

/** What a page is told to store by. */
interface StoringPage {
  readonly way: Way;
  /** Of the database. */
  readonly name: string;
  readonly url: string;
  readonly topic: string;
  readonly libraryPath: string;
}

/** Begin and end, ms since the epoch. */
export interface Span {
  readonly startedAt: number;
  readonly endedAt: number;
}

type Payload = { readonly n: number; readonly text: string };

type StoringWindow = typeof globalThis & { store: (payloads: readonly Payload[]) => Promise<unknown> };

/** Opens the store of a page. The server is one that never answers, so that nothing is measured but storing. */
export async function openStore(page: Page, way: Way, name: string): Promise<void> {
  const url = `${page.url().replace('http', 'ws')}silent`;
  await page.evaluate(preparePage, { way, name, url, topic, libraryPath });
}

/** Stores messages of 100 bytes; settles once all are stored. */
export const storeMessages = (page: Page, count: number): Promise<Span> => page.evaluate(runPage, count);

async function preparePage({ way, name, url, topic: to, libraryPath: entry }: StoringPage): Promise<void> {
  const state = globalThis as StoringWindow;
  if (way === 'ours') {
    const { connect } = (await import(entry)) as typeof Onesocket;
    const socket = connect(url, { name, queue: { maxEntries: 2_000_000, maxBytes: 2 ** 30 } });
    state.store = async (payloads) => {
      await Promise.all(payloads.map((payload) => socket.publish(to, payload).stored));
      const { durability } = socket.status;
      if (durability !== 'strict') throw new Error(`the outbox is ${durability}`);
    };
    return;
  }
  if (way === 'logux') {
    const { IndexedStore } = await import('/logux/store.js' as string);
    const store = new IndexedStore(name);
    const node = crypto.randomUUID();
    let time = Date.now();
    const add = (payload: Payload) => {
      time += 1;
      return store.add(
        { type: 'bench', payload },
        { id: `${time} ${node} 0`, time, reasons: ['syncing'], subprotocol: 1 },
      );
    };
    state.store = (payloads) => Promise.all(payloads.map(add));
    return;
  }
  const opening = indexedDB.open(name);
  opening.onupgradeneeded = () => opening.result.createObjectStore('messages', { autoIncrement: true });
  const database = await new Promise<IDBDatabase>((resolve, reject) => {
    opening.onsuccess = () => resolve(opening.result);
    opening.onerror = () => reject(opening.error);
  });
  const add = (payload: Payload) =>
    new Promise<void>((resolve, reject) => {
      const transaction = database.transaction('messages', 'readwrite', { durability: 'strict' });
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error);
      const message = { id: crypto.randomUUID(), topic: to, json: JSON.stringify(payload), ts: Date.now() };
      transaction.objectStore('messages').add(message);
      transaction.commit();
    });
  state.store = async (payloads) => {
    if (way === 'pipelined') await Promise.all(payloads.map(add));
    else for (const payload of payloads) await add(payload);
  };
}

async function runPage(count: number): Promise<Span> {
  // As JSON each of these is 100 bytes.
  const text = 'x'.repeat(78);
  const payloads = Array.from({ length: count }, (_, index) => ({ n: 100_000 + index, text }));
  const now = () => performance.timeOrigin + performance.now();
  const startedAt = now();
  await (globalThis as StoringWindow).store(payloads);
  return { startedAt, endedAt: now() };
}
