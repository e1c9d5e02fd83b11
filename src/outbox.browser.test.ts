import { afterEach, describe, expect, inject, it } from 'vitest';
import { EventLog } from '../worker/testing/event-log.ts';
import { endWorker, mortalWorker } from '../worker/testing/mortal-worker.ts';
import { connect } from './connect.ts';
import type { ConnectOptions, OneSocket, SocketStatus } from './types.ts';

const urls = inject('serverUrls');
const sockets: OneSocket[] = [];
afterEach(() => Promise.all(sockets.splice(0).map((socket) => socket.close())));

/** A tab of its own in this page. Those with the same name share a hub. */
function open({
  name = crypto.randomUUID(),
  url = urls.realtime,
  ...options
}: ConnectOptions & { url?: string } = {}) {
  const socket = connect(`${url}?${name}`, { name, ...options });
  sockets.push(socket);
  const statuses = new EventLog<SocketStatus>();
  socket.addEventListener('status', ({ detail }) => statuses.add(detail));
  const reaches = (state: SocketStatus['state']) =>
    statuses.until((all) => all.find((status) => status.state === state));
  const dropped = new EventLog<string>();
  socket.addEventListener('dropped', ({ detail: { id, error } }) => dropped.add(`${id} ${error.code}`));
  return { socket, name, statuses, dropped, reaches };
}

/** A tab whose server cannot be reached: what it publishes stays in the outbox. */
const openOffline = (options: ConnectOptions = {}) => open({ url: urls.refused, ...options });

const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'ok',
    (error: { code: string }) => error.code,
  );

describe('the outbox', () => {
  it('shows what is pending to every tab, with its payloads', async () => {
    const { socket, name, statuses } = openOffline();
    const other = openOffline({ name });
    const before = Date.now();
    const deliveries = [
      socket.publish('t', { n: 1 }),
      socket.publish('u', new Uint8Array([1, 2]), { ttlMs: 60_000 }),
    ];
    await Promise.all(deliveries.map(({ stored }) => stored));
    const entries = await other.socket.outbox.entries();
    expect(entries).toEqual([
      {
        id: deliveries[0]!.id,
        topic: 't',
        payload: { n: 1 },
        ts: expect.any(Number),
        expiresAt: expect.any(Number),
        isSent: false,
      },
      expect.objectContaining({ id: deliveries[1]!.id, payload: new Uint8Array([1, 2]).buffer }),
    ]);
    expect(entries[1]!.ts).toBeGreaterThanOrEqual(before);
    expect(entries[1]!.expiresAt).toBeLessThanOrEqual(Date.now() + 60_000);
    await statuses.until((all) => all.at(-1)?.queue.entries === 2);
    expect(socket.status).toMatchObject({ durability: 'strict', storeError: null });
  });

  it('gives an entry back, once, and only to whom asks in time', async () => {
    const { socket, name, dropped } = openOffline();
    const other = openOffline({ name });
    const [first, second] = [socket.publish('t', 1), socket.publish('t', 2)];
    // Before any hub is attached, as well as after, and from another tab.
    await expect(first.cancel()).resolves.toBe(true);
    await expect(codeOf(first.acked)).resolves.toBe('cancelled');
    await expect(first.cancel()).resolves.toBe(false);
    await second.stored;
    const followed = other.socket.outbox.delivery(second.id);
    await expect(followed.cancel()).resolves.toBe(true);
    await expect(Promise.all([second.acked, followed.acked].map(codeOf))).resolves.toEqual([
      'cancelled',
      'cancelled',
    ]);
    await expect(socket.outbox.entries()).resolves.toEqual([]);
    expect(dropped.events).toEqual([`${first.id} cancelled`, `${second.id} cancelled`]);
  });

  it('knows nothing of an entry that was never in it', async () => {
    const { stored, acked } = open().socket.outbox.delivery('no such entry');
    await expect(Promise.all([stored, acked].map(codeOf))).resolves.toEqual([
      'unknown-entry',
      'unknown-entry',
    ]);
  });

  it('is empty after a purge, and every delivery fails with it', async () => {
    const { socket, name } = openOffline();
    const other = openOffline({ name });
    const deliveries = [socket.publish('t', 1), other.socket.publish('t', 2)];
    await Promise.all(deliveries.map(({ stored }) => stored));
    await other.socket.purge();
    await expect(Promise.all(deliveries.map(({ acked }) => codeOf(acked)))).resolves.toEqual([
      'purged',
      'purged',
    ]);
    await expect(socket.outbox.entries()).resolves.toEqual([]);
  });

  it('keeps only the newest entry of a key', async () => {
    const { socket } = openOffline();
    const [old, other, newest] = [
      socket.publish('t', 1, { coalesceKey: 'a' }),
      socket.publish('t', 2, { coalesceKey: 'b' }),
      socket.publish('t', 3, { coalesceKey: 'a' }),
    ];
    await expect(codeOf(old.acked)).resolves.toBe('superseded');
    await Promise.all([other, newest].map(({ stored }) => stored));
    const payloads = (await socket.outbox.entries()).map(({ payload }) => payload);
    expect(payloads.toSorted()).toEqual([2, 3]);
  });

  it('takes nothing that is volatile: it is sent now, or dropped', async () => {
    const offline = openOffline();
    const { stored, acked } = offline.socket.publish('t', 1, { volatile: true });
    await expect(Promise.all([stored, acked].map(codeOf))).resolves.toEqual(['not-open', 'not-open']);
    const { socket, reaches } = open();
    await reaches('open');
    const sent = socket.publish('t', 1, { volatile: true });
    await Promise.all([sent.stored, sent.acked]);
  });

  it('lets what has no room wait, fails it, or makes room, as it is told', async () => {
    /** A full outbox, and one entry more, of another tab. */
    const overfill = async (whenFull: 'block' | 'reject' | 'drop-oldest') => {
      const options = { name: crypto.randomUUID(), queue: { maxEntries: 2, whenFull } };
      const [tab, other] = [openOffline(options), openOffline(options)];
      const full = [0, 1].map((n) => tab.socket.publish('t', n));
      await Promise.all(full.map(({ stored }) => stored));
      return { oldest: full[0]!, last: other.socket.publish('t', 2), outbox: other.socket.outbox };
    };
    const dropping = await overfill('drop-oldest');
    await dropping.last.stored;
    await expect(codeOf(dropping.oldest.acked)).resolves.toBe('queue-full');

    const rejecting = await overfill('reject');
    await expect(codeOf(rejecting.last.stored)).resolves.toBe('queue-full');

    const blocking = await overfill('block');
    const seen = new EventLog<string>();
    void codeOf(blocking.last.stored).then(seen.add);
    await blocking.outbox.entries();
    expect(seen.events).toEqual([]);
    await blocking.oldest.cancel();
    await expect(seen.until(([first]) => first)).resolves.toBe('ok');
  });
});

describe('a browser that comes back', () => {
  it('sends what was stored and not sent, under the old id', async () => {
    const away = openOffline({ worker: mortalWorker });
    const deliveries = ['kept', 'as well'].map((text) => away.socket.publish('t', text));
    await Promise.all(deliveries.map(({ stored }) => stored));
    await away.socket.close();
    await endWorker(`onesocket:${away.name}`);
    const { socket } = open({ name: away.name, worker: mortalWorker });
    const followed = deliveries.map(({ id }) => codeOf(socket.outbox.delivery(id).acked));
    await expect(Promise.all(followed)).resolves.toEqual(['ok', 'ok']);
    await expect(socket.outbox.entries()).resolves.toEqual([]);
  });

  it('begins after the last message that it has taken', async () => {
    const name = crypto.randomUUID();
    const topic = crypto.randomUUID();
    const other = open();
    const seen = async (count: number) => {
      const { socket } = open({ name });
      const payloads = new EventLog<unknown>();
      const subscription = socket.subscribe(topic, { since: 'stored', replay: 100 });
      subscription.onMessage(({ payload }) => payloads.add(payload));
      await payloads.until((all) => all.length >= count);
      return { socket, payloads: payloads.events };
    };
    for (const n of [1, 2]) await other.socket.publish(topic, n).acked;
    const first = await seen(2);
    expect(first.payloads).toEqual([1, 2]);
    await first.socket.close();
    for (const n of [3, 4]) await other.socket.publish(topic, n).acked;
    const second = await seen(2);
    // What was taken last may come again: nothing is missing, and nothing out of order.
    expect(second.payloads.slice(-2)).toEqual([3, 4]);
    expect(second.payloads).toEqual([1, 2, 3, 4].slice(-second.payloads.length));
  });
});
