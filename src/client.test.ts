import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { AttachReply, HubStatus, TabItem } from '../worker/core/hub-api.ts';
import { createClient } from './client.ts';
import { deferred } from './deferred.ts';
import { failure } from './failure.ts';
import * as tabLimits from './limits.ts';
import { errorData } from './protocol/errors.ts';
import { attachedReply, scriptedWorld } from './testing/scripted-world.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const settings = {
  hubName: 'onesocket:n#ann',
  auth: undefined,
  worker: 'https://app.test/worker.js',
  hosts: ['shared-worker'],
  hub: { url: 'wss://a.test/', identity: 'ann', durability: 'relaxed' },
} as const;

/** Everything that is due now, and nothing that waits for a time. */
const turn = () => vi.advanceTimersByTimeAsync(0);
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

async function openTab({ withoutLocks = false } = {}) {
  const scripted = scriptedWorld();
  const world = withoutLocks ? { ...scripted.world, locks: null } : scripted.world;
  const socket = createClient(settings, world);
  await turn();
  const answer = async (reply: AttachReply) => {
    scripted.hosts.at(-1)!.answer(reply);
    await turn();
  };
  return { ...scripted, socket, answer, last: () => scripted.hosts.at(-1)! };
}

/** A tab that is attached to hub `a`. */
async function openAttached(reply = attachedReply('a')) {
  const tab = await openTab();
  await tab.answer(reply);
  return tab;
}

const kinds = (ops: readonly { kind: string }[]) => ops.map(({ kind }) => kind);

describe('an attach', () => {
  it('goes to the hub of this name and identity, under the lock of the tab', async () => {
    const { socket, hosts, held, answer } = await openTab();
    const { tabId } = socket.status;
    const lockName = `onesocket:n#ann:tab:${tabId}:1`;
    expect(hosts).toMatchObject([
      {
        url: settings.worker,
        hubName: settings.hubName,
        attaches: [{ tabId, lockName, options: settings.hub, hasAuth: false }],
      },
    ]);
    expect([...held]).toEqual([lockName]);
    expect(socket.status).toMatchObject({ state: 'connecting', durability: null, storeError: null });
    await answer(attachedReply('a'));
    expect(socket.status).toMatchObject({ state: 'open', hubId: 'a', durability: 'strict' });
    expect(hosts[0]!.ops).toEqual([{ kind: 'signal', signal: 'visible' }]);
  });

  it('that a corpse does not answer begins anew, with ever more patience, and not for ever', async () => {
    const { socket, hosts } = await openTab();
    const request = socket.request('m', 1, { timeoutMs: 60_000 }).catch((error: unknown) => error);
    const deadlines = [300, 600, 1_200, 2_400, 4_800];
    for (const [index, deadlineMs] of deadlines.entries()) {
      if (index >= tabLimits.silencesInLife) await pass(tabLimits.channelTimeoutMs);
      await pass(deadlineMs - 1);
      expect(hosts.map(({ isClosed }) => isClosed)).toEqual([...Array(index).fill(true), false]);
      await pass(1);
      expect(hosts[index]!.isClosed).toBe(true);
    }
    expect(hosts).toHaveLength(deadlines.length);
    expect(socket.status).toMatchObject({ state: 'closed', lastError: { code: 'host-unavailable' } });
    await expect(request).resolves.toMatchObject({ code: 'host-unavailable' });
  });

  it('that is told to wait asks again over the same port, for as long as it takes', async () => {
    const { socket, hosts, answer } = await openTab();
    for (let count = 1; count <= 100; count++) {
      await pass(250);
      await answer({ kind: 'waiting' });
      expect(hosts.map(({ attaches }) => attaches.length)).toEqual([count + 1]);
    }
    expect(socket.status.state).toBe('connecting');
    await answer(attachedReply('a'));
    expect(socket.status).toMatchObject({ state: 'open', hubId: 'a' });
    expect(hosts[0]!.isClosed).toBe(false);
  });

  it('begins anew, with short deadlines again, when the one who said so falls silent', async () => {
    const { socket, hosts, answer } = await openTab();
    await pass(tabLimits.attachTimeoutMs);
    await answer({ kind: 'waiting' });
    await pass(tabLimits.waitingTimeoutMs - 1);
    expect(hosts).toHaveLength(2);
    await pass(1);
    expect(hosts.map(({ isClosed }) => isClosed)).toEqual([true, true, false]);
    await answer(attachedReply('a'));
    expect(socket.status.hubId).toBe('a');
  });

  it('ends everything where no host can be started, or the hub refuses the tab', async () => {
    const missing = await openTab();
    missing.last().fail(failure('host-unavailable', 'no worker'));
    await turn();
    expect(missing.socket.status).toMatchObject({
      state: 'closed',
      lastError: { code: 'host-unavailable' },
    });
    const refused = await openTab();
    await refused.answer({ kind: 'refused', error: errorData('unsupported-version', 'too old') });
    expect(refused.socket.status.lastError).toMatchObject({ code: 'unsupported-version' });
    expect([...missing.held, ...refused.held]).toEqual([]);
  });

  it('goes without locks where there are none', async () => {
    const { socket, hosts, answer } = await openTab({ withoutLocks: true });
    expect(hosts[0]!.attaches).toMatchObject([{ lockName: null }]);
    await answer(attachedReply('a', { lifeLock: null }));
    expect(socket.status.state).toBe('open');
  });
});

describe('the death of the hub', () => {
  it('is known as soon as its lock is free, to a tab that only listens, too', async () => {
    const { socket, hosts, free, watching, answer, last } = await openAttached();
    const subscription = socket.subscribe('t');
    await turn();
    const position = { epoch: 'e', offset: 7 };
    last().api.deliver('a', 1, [{ kind: 'subscribed', sub: 1, position }]);
    await subscription.ready;
    expect(watching('life of a')).toBe(1);
    free('life of a');
    expect(socket.status.state).toBe('connecting');
    await turn();
    expect(hosts.map(({ isClosed }) => isClosed)).toEqual([true, false]);
    await answer(attachedReply('b'));
    expect(socket.status).toMatchObject({ state: 'open', hubId: 'b' });
    expect(last().ops).toMatchObject([
      { kind: 'signal' },
      { kind: 'subscribe', sub: 1, topic: 't', since: position },
    ]);
    expect([watching('life of a'), watching('life of b')]).toEqual([0, 1]);
  });

  it('rejects what was under way at once, and asks the next hub the rest', async () => {
    const { socket, free, answer, last } = await openAttached();
    const outcomes: string[] = [];
    const note = (promise: Promise<unknown>, name: string) =>
      void promise.then(
        () => outcomes.push(`${name}: ok`),
        (error: { code: string }) => outcomes.push(`${name}: ${error.code}`),
      );
    note(socket.request('m', 1), 'request');
    note(socket.purge(), 'purge');
    note(socket.outbox.entries(), 'entries');
    await turn();
    free('life of a');
    note(socket.request('m', 2), 'request while there is none');
    await turn();
    expect(outcomes).toEqual(['request: hub-lost', 'purge: hub-lost']);
    await answer(attachedReply('b'));
    expect(kinds(last().ops)).toEqual(['signal', 'list', 'request']);
    const [, list, request] = last().ops as readonly { id: string }[];
    last().api.deliver('b', 1, [
      { kind: 'entries', id: list!.id, entries: [] },
      { kind: 'response', id: request!.id, json: '1' },
    ]);
    await turn();
    expect(outcomes.slice(2)).toEqual(['entries: ok', 'request while there is none: ok']);
  });

  it('loses no entry that the next hub has or can be given', async () => {
    const { socket, free, answer, last } = await openAttached();
    const [stored, taken, open] = [1, 2, 3].map((n) => socket.publish('t', n));
    await turn();
    last().api.deliver('a', 1, [{ kind: 'stored', upTo: 1 }]);
    await stored!.stored;
    free('life of a');
    const later = socket.publish('t', 4);
    await turn();
    await answer(attachedReply('b', { takenUpTo: 2, storedUpTo: 2, ackedUpTo: 1 }));
    await Promise.all([stored!.acked, taken!.stored]);
    expect(last().ops.slice(1)).toMatchObject([
      { id: open!.id, tabSeq: 3 },
      { id: later.id, tabSeq: 4 },
    ]);
    last().api.deliver('b', 1, [{ kind: 'acked', upTo: 4 }]);
    await Promise.all([taken!.acked, open!.acked, later.acked]);
  });

  it('makes unknown what a hub had in its memory alone', async () => {
    const { socket, free, answer, last } = await openAttached(
      attachedReply('a', { status: { durability: 'memory' } }),
    );
    const dropped: string[] = [];
    socket.addEventListener('dropped', ({ detail }) => dropped.push(`${detail.id} ${detail.error.code}`));
    const pushed = socket.publish('t', 1);
    await turn();
    free('life of a');
    const later = socket.publish('t', 2);
    await turn();
    await answer(attachedReply('b'));
    await expect(pushed.stored).rejects.toMatchObject({ code: 'hub-lost' });
    expect(dropped).toEqual([`${pushed.id} hub-lost`]);
    expect(last().ops.slice(1)).toMatchObject([{ id: later.id }]);
  });

  it('is told by nobody any more once a new hub has been found', async () => {
    const { hosts, free, answer } = await openAttached();
    free('life of a');
    await turn();
    await answer(attachedReply('b'));
    free('life of a');
    await turn();
    expect(hosts).toHaveLength(2);
  });

  it('ends nothing for a message of the dead hub that comes late', async () => {
    const { socket, hosts, free, answer } = await openAttached();
    free('life of a');
    await turn();
    await answer(attachedReply('b'));
    const gone = attachedReply('a', { status: { state: 'suspended' } });
    if (gone.kind === 'attached') {
      hosts[0]!.api.deliver('a', 2, [{ kind: 'status', status: gone.status }]);
    }
    expect(socket.status).toMatchObject({ state: 'open', hubId: 'b' });
  });
});

describe('a batch', () => {
  const openSubscribed = async () => {
    const { socket, last } = await openAttached();
    const seen: unknown[] = [];
    for (const topic of ['a', 'b']) socket.subscribe(topic).onMessage(({ payload }) => seen.push(payload));
    const take = (number: number, item: object) => last().api.deliver('a', number, [item as TabItem]);
    return { take, seen };
  };
  const place = { epoch: 'e', offset: 1, id: 'i', ts: 0 };

  it('is answered after those before it, whose contents have to be read', async () => {
    const { take, seen } = await openSubscribed();
    const reading = deferred<string>();
    const blob = { size: 1, text: () => reading.promise };
    const answered: string[] = [];
    const first = take(1, { kind: 'large', sub: 1, ...place, large: { blob, form: 'json' } });
    const second = take(2, { kind: 'messages', sub: 2, ...place, rows: '[["i",0,"small"]]', skip: 0 });
    void Promise.resolve(first).then(() => answered.push('first'));
    void Promise.resolve(second).then(() => answered.push('second'));
    await turn();
    expect([seen, answered]).toEqual([['small'], []]);
    reading.resolve('"large"');
    await turn();
    expect([seen, answered]).toEqual([
      ['small', 'large'],
      ['first', 'second'],
    ]);
  });

  it('waits where it comes before the answer to the attach, and is taken after that', async () => {
    const { socket, free, answer, last } = await openAttached();
    const { acked } = socket.publish('t', 1);
    await turn();
    free('life of a');
    await turn();
    const error = errorData('expired', 'too old');
    const answered: unknown[] = [];
    const position = { epoch: 'e', offset: 1 };
    // The subscription is of an attachment before.
    const early = last().api.deliver('b', 1, [
      { kind: 'failed', tabSeq: 1, error },
      { kind: 'subscribed', sub: 1, position },
    ]);
    void Promise.resolve(early).then((endedSubs) => answered.push(endedSubs));
    await turn();
    expect(answered).toEqual([]);
    await answer(attachedReply('b', { takenUpTo: 1, storedUpTo: 1 }));
    await expect(acked).rejects.toMatchObject({ code: 'expired' });
    expect(answered).toEqual([[1]]);
  });

  it('of a hub that does not become the hub of this tab has no effect, and is let go', async () => {
    const { socket, free, answer, hosts } = await openAttached();
    free('life of a');
    await turn();
    const { status } = attachedReply('c', { status: { state: 'suspended' } }) as { status: HubStatus };
    const batches = Array.from({ length: tabLimits.earlyBatches + 1 }, (_, index) =>
      hosts.at(-1)!.api.deliver('c', index + 1, [{ kind: 'status', status }]),
    );
    await expect(batches[0]).resolves.toEqual([]);
    await answer(attachedReply('b'));
    await Promise.all(batches);
    expect(socket.status).toMatchObject({ state: 'open', hubId: 'b' });
  });

  it('is answered at once where nothing has to be read', async () => {
    const { take } = await openSubscribed();
    expect(take(1, { kind: 'messages', sub: 2, ...place, rows: '[["i",0,1]]', skip: 0 })).toEqual([]);
  });
});

describe('a page that goes into the back/forward cache', () => {
  it('says goodbye, lets go of locks and port, and comes back to the hub', async () => {
    const { socket, hosts, held, page, watching, answer, last } = await openAttached();
    const { tabId } = socket.status;
    const former = [...held];
    page()!.hidden();
    expect([held.size, watching('life of a'), hosts[0]!.isClosed]).toEqual([0, 0, true]);
    expect(hosts[0]!.detached).toEqual([tabId]);
    page()!.restored();
    await turn();
    await answer(attachedReply('a'));
    expect(last().attaches[0]!.tabId).toBe(tabId);
    expect(socket.status.state).toBe('open');
    expect([held.size, watching('life of a')]).toEqual([1, 1]);
    // A frozen hub that heard of the goodbye by the former lock holds that until it thaws.
    expect(last().attaches[0]!.lockName).toBe([...held][0]);
    expect(former).not.toContain([...held][0]);
  });

  it('closes its port at once while it still attaches, and asks nobody again', async () => {
    const { socket, hosts, page, held } = await openTab();
    hosts[0]!.answer({ kind: 'waiting' });
    await turn();
    page()!.hidden();
    expect([hosts[0]!.isClosed, held.size]).toEqual([true, 0]);
    hosts[0]!.answer(attachedReply('a'));
    await pass(60_000);
    expect(hosts).toHaveLength(1);
    expect(hosts[0]!.attaches).toHaveLength(2);
    expect(socket.status).toMatchObject({ state: 'connecting', hubId: null });
  });
});

describe('a closed tab', () => {
  it('has no lock, no port and no listener left', async () => {
    const { socket, hosts, held, page, watching } = await openAttached();
    await socket.close();
    expect([held.size, watching('life of a'), hosts[0]!.isClosed, page()]).toEqual([0, 0, true, null]);
  });

  it('waits for what is not stored yet, across the death of a hub, and for a bounded time', async () => {
    const { socket, free, answer, last } = await openAttached();
    const { stored } = socket.publish('t', 1);
    const closing = socket.close();
    free('life of a');
    await turn();
    await answer(attachedReply('b'));
    last().api.deliver('b', 1, [{ kind: 'stored', upTo: 1 }]);
    await Promise.all([stored, closing]);
    const other = await openAttached();
    const open = other.socket.publish('t', 1);
    const closed = other.socket.close();
    await pass(tabLimits.closeTimeoutMs);
    await closed;
    await expect(open.stored).rejects.toMatchObject({ code: 'closed' });
  });
});
