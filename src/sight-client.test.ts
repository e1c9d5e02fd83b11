import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { HubMetrics } from '../worker/core/metrics-types.ts';
import { createClient } from './client.ts';
import { readOptions, type Settings } from './options.ts';
import { attachedReply, scriptedWorld } from './testing/scripted-world.ts';
import type { ConnectOptions } from './types.ts';

const reported = vi.fn<(error: unknown) => void>();
beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('reportError', reported);
  vi.stubGlobal('location', { href: 'https://app.test/' });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  reported.mockReset();
});

const turn = () => vi.advanceTimersByTimeAsync(0);
const read = (options: ConnectOptions): Settings =>
  readOptions('wss://a.test/', { host: 'shared-worker', ...options }, new URL('https://app.test/w.js'));

/** A tab that is attached to hub `h`. */
async function openTab(options: ConnectOptions = {}) {
  const scripted = scriptedWorld();
  const socket = createClient(read(options), scripted.world);
  await turn();
  const attach = async (hubId: string) => {
    scripted.hosts.at(-1)!.answer(attachedReply(hubId));
    await turn();
  };
  await attach('h');
  const { hosts } = scripted;
  const ops = () => hosts.at(-1)!.ops;
  /** The hub answers what it was asked last. */
  const answer = async <T>(asked: Promise<T>): Promise<T> => {
    await turn();
    const { id } = ops().findLast(({ kind }) => kind === 'metrics') as { id: string };
    const json = JSON.stringify(hubMetrics);
    void hosts.at(-1)!.api.deliver(socket.status.hubId!, 9, [{ kind: 'response', id, json }]);
    return asked;
  };
  return { ...scripted, socket, attach, answer, api: hosts[0]!.api, ops };
}

const hubMetrics = { connectAttempts: 3, connectsDone: 2 } as Partial<HubMetrics> as HubMetrics;

describe('the options', () => {
  it.each([
    ['trace', { trace: 'yes' }],
    ['trace', { trace: null }],
    ['trace', { trace: { traceparent: 'x' } }],
    ['marks', { marks: 1 }],
    ['marks', { marks: null }],
    ['marks', { marks: 'true' }],
  ])('refuse a wrong one: %s, %j', (name, options) => {
    const connect = () => read(options as never);
    expect(connect).toThrow(expect.objectContaining({ code: 'invalid-option' }));
    expect(connect).toThrow(new RegExp(`^${name} must be `));
  });

  it('reach the tab alone: a hub has no part in them', () => {
    const trace = () => undefined;
    const settings = read({ trace, marks: true });
    expect(settings).toMatchObject({ trace, marks: true });
    expect(settings.hub).not.toHaveProperty('trace');
    expect(settings.hub).not.toHaveProperty('marks');
  });
});

describe('the trace of a tab', () => {
  it('goes with each publish, request and subscription, as it is at that moment', async () => {
    let count = 0;
    const contexts: string[] = [];
    const trace = () => {
      const traceparent = `00-${'a'.repeat(31)}${(count += 1)}-${'b'.repeat(16)}-01`;
      contexts.push(traceparent);
      return { traceparent };
    };
    const { socket, ops } = await openTab({ trace });
    socket.publish('t', 1);
    socket.request('m', 1).catch(() => {});
    socket.subscribe('t');
    await turn();
    const traced = ops().flatMap((op) => ('trace' in op ? [[op.kind, op.trace!.traceparent]] : []));
    expect(traced).toEqual([
      ['publish', contexts[0]],
      ['request', contexts[1]],
      ['subscribe', contexts[2]],
    ]);
  });

  it('goes with a subscription again while nothing has come, and not with a resumption', async () => {
    const context = { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` };
    const { socket, api, ops, attach, free } = await openTab({ trace: () => context });
    socket.subscribe('silent');
    socket.subscribe('heard').onMessage(() => {});
    await turn();
    void api.deliver('h', 1, [
      { kind: 'messages', sub: 2, epoch: 'e', offset: 4, skip: 0, rows: '[["m",1,1]]' },
    ]);
    await turn();
    free('life of h');
    await turn();
    await attach('i');
    const [silent, heard] = ops().filter(({ kind }) => kind === 'subscribe');
    expect(silent).toMatchObject({ topic: 'silent', trace: context });
    expect(heard).toMatchObject({ topic: 'heard', since: { epoch: 'e', offset: 4 } });
    expect(heard).not.toHaveProperty('trace');
  });

  it('that throws is reported, and keeps nothing back', async () => {
    const error = new Error('no tracer');
    const { socket, ops } = await openTab({
      trace: () => {
        throw error;
      },
    });
    socket.publish('t', 1);
    await turn();
    expect(ops().find(({ kind }) => kind === 'publish')).not.toHaveProperty('trace');
    expect(reported).toHaveBeenCalledExactlyOnceWith(error);
  });
});

describe('socket.metrics()', () => {
  it('asks the hub, and gives what it and the tab have counted', async () => {
    const { socket, ops, api } = await openTab();
    socket.publish('t', 1);
    const asked = socket.metrics();
    await turn();
    const op = ops().at(-1)!;
    expect(op).toMatchObject({ kind: 'metrics' });
    void api.deliver('h', 1, [
      { kind: 'response', id: (op as { id: string }).id, json: JSON.stringify(hubMetrics) },
    ]);
    await expect(asked).resolves.toEqual({
      hub: hubMetrics,
      tab: {
        hubsJoined: 1,
        entriesPublished: 1,
        entriesPending: 1,
        entriesDropped: {},
        messagesReceived: 0,
        gapsReceived: 0,
        requestsSent: 0,
        requestsFailed: 0,
      },
    });
  });

  it('counts what comes, and requests of the app alone', async () => {
    const { socket, ops, api, answer } = await openTab();
    const failing = socket.request('m', 1).catch(({ code }) => code);
    socket.subscribe('t').onMessage(() => {});
    await turn();
    const request = ops().find(({ kind }) => kind === 'request') as { id: string };
    const place = { sub: 1, epoch: 'e' } as const;
    const error = { code: 'forbidden', message: 'no', retryable: false } as const;
    void api.deliver('h', 1, [
      { kind: 'error', id: request.id, error },
      { kind: 'messages', ...place, offset: 1, skip: 0, rows: '[["m",1,1],["n",1,2]]' },
      { kind: 'gap', ...place, offset: 9, reason: 'history', missed: 7 },
    ]);
    expect(await failing).toBe('forbidden');
    expect((await answer(socket.metrics())).tab).toMatchObject({
      messagesReceived: 2,
      gapsReceived: 1,
      requestsSent: 1,
      requestsFailed: 1,
    });
  });

  it('counts what is dropped, by the code of its error', async () => {
    const { socket, api, answer } = await openTab();
    socket.publish('t', 1).acked.catch(() => {});
    const error = { code: 'expired', message: 'too old', retryable: false } as const;
    void api.deliver('h', 1, [{ kind: 'failed', tabSeq: 1, error }]);
    expect((await answer(socket.metrics())).tab).toMatchObject({
      entriesPublished: 1,
      entriesPending: 0,
      entriesDropped: { expired: 1 },
    });
  });

  it('asks the next hub where the one that was asked is gone', async () => {
    const { socket, free, attach, answer } = await openTab();
    const asked = socket.metrics();
    await turn();
    free('life of h');
    await turn();
    await attach('i');
    expect((await answer(asked)).tab).toMatchObject({ hubsJoined: 2 });
  });

  it('rejects with closed where the tab has left', async () => {
    const { socket } = await openTab();
    await socket.close();
    await expect(socket.metrics()).rejects.toMatchObject({ code: 'closed' });
  });
});
