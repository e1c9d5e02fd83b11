import type * as Onesocket from 'onesocket';
import type { Page } from 'playwright';
import { heldTopic, libraryPath, sides, type BenchPlan, type BenchRow, type Side } from './contract.ts';
import type { Lab } from './lab.ts';
import { inTurn, median } from './statistics.ts';

/** Messages that wait for the server when the browser starts again. */
const stored = 100_000;

interface Restart {
  readonly ms: number;
  readonly heapBytes: number;
}

/** From the beginning of a page with much to send to the first message at the server, in a browser just started. */
export async function measureRestart(lab: Lab, plan: BenchPlan): Promise<BenchRow[]> {
  const values = await inTurn(plan.repetitions, sides, (side) => restart(lab, side));
  const row = (name: string, unit: string, of: (value: Restart) => number): BenchRow => {
    const [ours, peer] = [median(values.ours.map(of)), median(values.direct.map(of))];
    const peerName = 'getAll of single records';
    return { suite: 'durable', name, unit, ours, peer, peerName, ratio: peer / ours };
  };
  return [
    row('restart', `ms with ${stored} stored`, ({ ms }) => ms),
    row('restart memory', 'MB', ({ heapBytes }) => heapBytes / 1e6),
  ];
}

const restart = (lab: Lab, side: Side): Promise<Restart> =>
  lab.withProfile(async (profile) => {
    await profile.withPages(1, ([page]) => page!.evaluate(prepare[side], given(page!, 'silent')));
    await profile.restart();
    return profile.withPages(1, async ([page]) => {
      const path = side === 'ours' ? 'realtime' : 'direct';
      const [at, startedAt] = await Promise.all([
        lab.firstMessage(side),
        page!.evaluate(begin[side], given(page!, path)),
      ]);
      const heapBytes = side === 'ours' ? await profile.workerHeapBytes() : await pageHeapBytes(page!);
      await lab.release();
      return { ms: at - startedAt, heapBytes };
    });
  });

async function pageHeapBytes(page: Page): Promise<number> {
  const session = await page.context().newCDPSession(page);
  await session.send('HeapProfiler.enable');
  await session.send('HeapProfiler.collectGarbage');
  const { usedSize } = await session.send('Runtime.getHeapUsage');
  await session.detach();
  return usedSize;
}

interface Given {
  readonly url: string;
  readonly topic: string;
  readonly count: number;
  readonly libraryPath: string;
}

const given = (page: Page, path: string): Given => {
  const url = page.url().replace('http', 'ws') + path;
  return { url, topic: heldTopic, count: stored, libraryPath };
};

const prepare: Record<Side, (given: Given) => Promise<void>> = {
  async ours({ url, topic, count, libraryPath: entry }) {
    const { connect } = (await import(entry)) as typeof Onesocket;
    const socket = connect(url, { name: 'restart', queue: { maxEntries: count, maxBytes: 2 ** 30 } });
    const text = 'x'.repeat(78);
    const publish = (_: unknown, n: number) => socket.publish(topic, { n: 100_000 + n, text }).stored;
    await Promise.all(Array.from({ length: count }, publish));
  },
  async direct({ topic, count }) {
    const opening = indexedDB.open('restart');
    opening.onupgradeneeded = () => opening.result.createObjectStore('messages', { autoIncrement: true });
    await new Promise((resolve) => (opening.onsuccess = resolve));
    const transaction = opening.result.transaction('messages', 'readwrite', { durability: 'strict' });
    const messages = transaction.objectStore('messages');
    const text = 'x'.repeat(78);
    for (let n = 0; n < count; n++) {
      const json = JSON.stringify({ n: 100_000 + n, text });
      messages.add({ id: crypto.randomUUID(), topic, json, ts: Date.now() });
    }
    await new Promise((resolve) => (transaction.oncomplete = resolve));
  },
};

/** Gives the time of the beginning, ms since the epoch. */
const begin: Record<Side, (given: Given) => Promise<number>> = {
  async ours({ url, count, libraryPath: entry }) {
    const startedAt = performance.timeOrigin + performance.now();
    const { connect } = (await import(entry)) as typeof Onesocket;
    connect(url, { name: 'restart', queue: { maxEntries: count, maxBytes: 2 ** 30 } });
    return startedAt;
  },
  async direct({ url }) {
    const startedAt = performance.timeOrigin + performance.now();
    const socket = new WebSocket(url);
    const whenOpen = new Promise((resolve) => (socket.onopen = resolve));
    const opening = indexedDB.open('restart');
    await new Promise((resolve) => (opening.onsuccess = resolve));
    const loading = opening.result.transaction('messages').objectStore('messages').getAll();
    await Promise.all([whenOpen, new Promise((resolve) => (loading.onsuccess = resolve))]);
    // Kept, as the outbox keeps its entries.
    Object.assign(globalThis, { records: loading.result, socket });
    socket.send(JSON.stringify(loading.result[0]));
    return startedAt;
  },
};
