import { describe, expect, it } from 'vitest';
import type { TabOp } from '../worker/core/hub-api.ts';
import { createCalls } from './calls.ts';
import { failure } from './failure.ts';
import { createOutbox } from './outbox.ts';
import { errorData } from './protocol/errors.ts';
import { partsWorld } from './testing/parts-world.ts';

const unknown = errorData('unknown-entry', 'no such entry');

/** A tab's view of the outbox, and the hub's answers to what it asks. */
function tab() {
  const pushed: TabOp[] = [];
  const calls = createCalls({
    world: partsWorld,
    push: (op) => void pushed.push(op),
    ended: () => null,
  });
  const id = (index: number) => (pushed[index] as { id: string }).id;
  return { ...createOutbox(calls.ask), calls, pushed, id };
}

describe('the entries of the outbox', () => {
  it('come with their payloads', async () => {
    const { outbox, calls, pushed, id } = tab();
    const entries = outbox.entries();
    expect(pushed).toMatchObject([{ kind: 'list' }]);
    const common = { topic: 't', ts: 5, expiresAt: null, isSent: false };
    const bytes = new ArrayBuffer(2);
    calls.take({
      kind: 'entries',
      id: id(0),
      entries: [
        { ...common, id: 'a', json: '{"n":1}' },
        { ...common, id: 'b', bytes, expiresAt: 9, isSent: true },
      ],
    });
    await expect(entries).resolves.toEqual([
      { ...common, id: 'a', payload: { n: 1 } },
      { ...common, id: 'b', payload: bytes, expiresAt: 9, isSent: true },
    ]);
  });
});

describe('the delivery of an entry by its id', () => {
  it('asks when it is stored and when it is acknowledged', async () => {
    const { outbox, calls, pushed, id } = tab();
    const delivery = outbox.delivery('e');
    expect(delivery.id).toBe('e');
    expect(pushed).toMatchObject([
      { kind: 'follow', entryId: 'e', until: 'stored' },
      { kind: 'follow', entryId: 'e', until: 'acked' },
    ]);
    for (const index of [0, 1]) calls.take({ kind: 'response', id: id(index) });
    await expect(delivery.stored).resolves.toBeUndefined();
    await expect(delivery.acked).resolves.toBeUndefined();
  });

  it('is acknowledged once the outbox no longer knows what was stored in it', async () => {
    const { outbox, calls, id } = tab();
    const { acked } = outbox.delivery('e');
    calls.take({ kind: 'response', id: id(0) });
    calls.take({ kind: 'error', id: id(1), error: unknown });
    await expect(acked).resolves.toBeUndefined();
  });

  it('rejects where the outbox has no such entry', async () => {
    const { outbox, calls, id } = tab();
    const { stored, acked } = outbox.delivery('e');
    for (const index of [0, 1]) calls.take({ kind: 'error', id: id(index), error: unknown });
    await expect(stored).rejects.toMatchObject(unknown);
    await expect(acked).rejects.toMatchObject(unknown);
  });

  it('rejects with the error of an entry that failed after it was stored', async () => {
    const { outbox, calls, id } = tab();
    const { acked } = outbox.delivery('e');
    calls.take({ kind: 'response', id: id(0) });
    calls.take({ kind: 'error', id: id(1), error: errorData('expired', 'too old') });
    await expect(acked).rejects.toMatchObject({ code: 'expired' });
  });

  it('outlives the hub that was asked', async () => {
    const { outbox, calls, pushed, id } = tab();
    const { acked } = outbox.delivery('e');
    for (const op of pushed) calls.pushed(op as { id: string });
    calls.hubLost(failure('hub-lost', 'gone'));
    expect(calls.resume()).toEqual(pushed);
    for (const index of [0, 1]) calls.take({ kind: 'response', id: id(index) });
    await expect(acked).resolves.toBeUndefined();
  });

  it('is no unhandled rejection where nobody awaits it', async () => {
    const { outbox, calls } = tab();
    outbox.delivery('e');
    calls.end(failure('closed', 'left'));
    await new Promise((done) => setImmediate(done));
    expect(calls.resume()).toEqual([]);
  });

  it.each([true, false])('may be taken back, as far as the hub says so: %s', async (answer) => {
    const { outbox, calls, pushed, id } = tab();
    const cancelled = outbox.delivery('e').cancel();
    expect(pushed[2]).toMatchObject({ kind: 'withdraw', entryId: 'e' });
    calls.take({ kind: 'response', id: id(2), json: `${answer}` });
    await expect(cancelled).resolves.toBe(answer);
  });
});

describe('a purge', () => {
  it('settles with the answer of the hub', async () => {
    const { purge, calls, pushed, id } = tab();
    const purged = purge();
    expect(pushed).toMatchObject([{ kind: 'purge' }]);
    calls.take({ kind: 'response', id: id(0) });
    await expect(purged).resolves.toBeUndefined();
  });
});
