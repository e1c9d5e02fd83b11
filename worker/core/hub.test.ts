import { describe, expect, it } from 'vitest';
import * as closeCodes from '../../src/protocol/close-codes.ts';
import { errorData } from '../../src/protocol/errors.ts';
import * as coreLimits from './limits.ts';
import { testConfig } from './testing/config.ts';
import { HubDriver } from './testing/hub-driver.ts';

const failure = (code: string, message = 'no') => ({ code, message });

describe('the first connection', () => {
  it('begins with the first tab: asks for a token, dials, says hello and shows the token', () => {
    const driver = new HubDriver();
    driver.attach('a', { hasAuth: true });
    expect(driver.all('get-token')).toEqual([{ kind: 'get-token', dial: 1, tabIds: ['a'] }]);
    expect(driver.all('dial')).toEqual([]);
    driver.run({ kind: 'token', dial: 1, credentials: { token: 'secret' } });
    expect(driver.all('dial')).toEqual([{ kind: 'dial', dial: 1 }]);
    driver.open();
    const [send] = driver.all('send');
    expect(send?.envelopes.map(({ head }) => head)).toMatchObject([
      {
        type: 'hello',
        payload: {
          clientId: 'client',
          clientEpoch: 3,
          acked: 0,
          window: coreLimits.receiveWindow,
          auth: 'token',
        },
      },
      { type: 'auth', payload: { token: 'secret' } },
    ]);
    expect(driver.state).toBe('handshaking');
    driver.welcome();
    expect(driver.state).toBe('open');
  });

  it('needs no token where no tab has one', () => {
    const driver = new HubDriver();
    driver.attach('a');
    expect(driver.all('get-token')).toEqual([]);
    driver.open();
    expect(driver.sentTypes).toEqual(['hello']);
    expect(driver.sent('hello')[0]?.head.payload.auth).toBe('none');
  });

  it('waits and tries again where no token could be had', () => {
    const driver = new HubDriver();
    driver.attach('a', { hasAuth: true });
    const error = errorData('auth-failed', 'no', { retryable: true });
    driver.run({ kind: 'no-token', dial: 1, error });
    expect(driver.status).toMatchObject({ state: 'backoff', attempt: 1, lastError: error });
    driver.advance(1_000);
    expect(driver.all('get-token').map(({ dial }) => dial)).toEqual([1, 2]);
  });

  it('asks for each topic once, however many tabs want it', () => {
    const driver = new HubDriver();
    for (const tab of ['a', 'b']) driver.attach(tab);
    for (const tab of ['a', 'b']) driver.subscribe(tab, 1);
    driver.subscribe('b', 2, 'u');
    expect(driver.sentTypes).toEqual([]);
    driver.open();
    driver.welcome();
    expect(driver.sent('subscribe').map(({ head }) => head.topic)).toEqual(['t', 'u']);
  });

  it('does not begin anew with the second tab', () => {
    const driver = new HubDriver().connect();
    driver.attach('b');
    expect(driver.all('dial')).toHaveLength(1);
    expect(driver.itemsOf('b', 'status').at(-1)?.status).toMatchObject({ state: 'open', tabs: ['a', 'b'] });
  });
});

describe('a published entry', () => {
  it('is stored, then sent, then acknowledged and forgotten', () => {
    const driver = new HubDriver().connect();
    driver.forget();
    driver.storesAtOnce = false;
    driver.publish('a', [1, 2]);
    expect(driver.all('persist')).toMatchObject([
      { commit: 1, change: { entries: [{ seq: 1 }, { seq: 2 }], tabSeqs: [['a', 2]] } },
    ]);
    expect(driver.sent('publish')).toEqual([]);
    driver.commit();
    expect(driver.itemsOf('a', 'stored')).toEqual([{ kind: 'stored', upTo: 2 }]);
    expect(driver.sent('publish').map(({ head, json }) => [head.seq, json])).toEqual([
      [1, '1'],
      [2, '1'],
    ]);
    driver.frame({ type: 'ack', seq: 2 });
    expect(driver.itemsOf('a', 'acked')).toEqual([{ kind: 'acked', upTo: 2 }]);
    expect(driver.all('persist').at(-1)).toMatchObject({ commit: 2, change: { entries: [], acked: 2 } });
    expect(driver.status.queue).toEqual({ entries: 0, bytes: 0 });
  });

  it('is sent again after a loss, from what the server says that it has', () => {
    const driver = new HubDriver().connect();
    driver.publish('a', [1, 2, 3]);
    driver.lost();
    driver.publish('a', [4]);
    driver.forget();
    driver.reopen({ lastSeq: 2 });
    expect(driver.sent('hello')[0]?.head.payload.acked).toBe(0);
    expect(driver.itemsOf('a', 'acked')).toEqual([{ kind: 'acked', upTo: 2 }]);
    expect(driver.sent('publish').map(({ head }) => head.seq)).toEqual([3, 4]);
  });

  it('that the server refuses is told to its tab', () => {
    const driver = new HubDriver().connect();
    driver.publish('a', [1, 2]);
    driver.frame(
      { type: 'nack', seq: 1, payload: failure('forbidden') },
      { type: 'nack', seq: 2, payload: { ...failure('custom'), retryable: true } },
      { type: 'ack', seq: 2 },
    );
    expect(driver.itemsOf('a', 'failed')).toEqual([
      { kind: 'failed', tabSeq: 1, error: { code: 'forbidden', message: 'no', retryable: false } },
      {
        kind: 'failed',
        tabSeq: 2,
        error: { code: 'rejected', message: 'no', retryable: true, detail: 'custom' },
      },
    ]);
    expect(driver.status).toMatchObject({ dropped: 2, queue: { entries: 0 } });
  });

  it('whose refusal was lost is told of with the next welcome, before the rest is acknowledged', () => {
    const driver = new HubDriver().connect();
    driver.publish('a', [1, 2, 3]);
    driver.lost();
    driver.forget();
    driver.reopen({ lastSeq: 3, rejected: [{ seq: 2, ...failure('forbidden') }] });
    const fates = driver.items('a').filter(({ kind }) => kind === 'failed' || kind === 'acked');
    expect(fates).toMatchObject([
      { kind: 'failed', tabSeq: 2 },
      { kind: 'acked', upTo: 3 },
    ]);
    expect(driver.sent('publish')).toEqual([]);
  });

  it('that is too large for the server fails, and holds nobody back', () => {
    const driver = new HubDriver().connect('a', { limits: { maxFrameBytes: 10_000 } });
    driver.publish('a', [1], { json: `"${'x'.repeat(9_000)}"` });
    driver.publish('a', [2]);
    expect(driver.itemsOf('a', 'failed')).toMatchObject([{ tabSeq: 1, error: { code: 'too-large' } }]);
    expect(driver.sent('publish').map(({ head }) => head.seq)).toEqual([2]);
  });

  it('that expires before it could be sent fails in time', () => {
    const driver = new HubDriver();
    driver.attach('a');
    driver.publish('a', [1], { ttlMs: 5_000 });
    driver.publish('a', [2], { ttlMs: 2_000 });
    driver.advance(2_000);
    expect(driver.itemsOf('a', 'failed')).toMatchObject([{ tabSeq: 2, error: { code: 'expired' } }]);
    driver.advance(3_000);
    expect(driver.itemsOf('a', 'failed').map(({ tabSeq }) => tabSeq)).toEqual([2, 1]);
    expect(driver.dueIn('expiry')).toBeNull();
  });

  it('that is repeated by its tab is taken once', () => {
    const driver = new HubDriver().connect();
    driver.publish('a', [1, 2]);
    driver.publish('a', [2, 3]);
    expect(driver.sent('publish').map(({ head }) => head.id)).toEqual(['a1', 'a2', 'a3']);
  });

  it('goes on to the server after its tab has gone', () => {
    const driver = new HubDriver();
    for (const tab of ['a', 'b']) driver.attach(tab);
    driver.publish('a', [1]);
    driver.run({ kind: 'tab-gone', tabId: 'a' });
    driver.open();
    driver.welcome();
    expect(driver.sent('publish').map(({ head }) => head.id)).toEqual(['a1']);
  });
});

describe('a client epoch that the server calls stale', () => {
  it('makes the hub ask its own store, with a write that changes nothing', () => {
    const driver = new HubDriver().connect();
    driver.effects.length = 0;
    driver.lost(4409);
    const { change } = driver.effects.find((effect) => effect.kind === 'persist')!;
    expect(change).toMatchObject({ entries: [], tabSeqs: [['a', 0]], removed: [], acked: null });
    expect(driver.state).toBe('suspended');
  });
});

describe('sending', () => {
  it('keeps within the window that the server gave', () => {
    const driver = new HubDriver().connect('a', { limits: { window: 2 } });
    driver.publish('a', [1, 2, 3, 4]);
    expect(driver.sent('publish').map(({ head }) => head.seq)).toEqual([1, 2]);
    driver.frame({ type: 'ack', seq: 1 });
    expect(driver.sent('publish').map(({ head }) => head.seq)).toEqual([1, 2, 3]);
  });

  it('begins with few bytes, and with twice as many after each acknowledgement', () => {
    const queue = { ...testConfig.queue, maxBytes: 1024 * 1024 };
    const driver = new HubDriver({ queue }).connect();
    const json = JSON.stringify('x'.repeat(coreLimits.firstWindowBytes / 2 - 2));
    driver.publish('a', [1, 2, 3, 4, 5, 6, 7, 8], { json });
    const sent = () => driver.sent('publish').map(({ head }) => head.seq);
    expect(sent()).toEqual([1, 2]);
    driver.frame({ type: 'ack', seq: 1 });
    expect(sent()).toEqual([1, 2, 3, 4, 5]);
    driver.lost();
    driver.run({ kind: 'elapsed', timer: 'connection' });
    driver.open();
    driver.welcome();
    expect(sent()).toEqual([1, 2, 3, 4, 5, 2, 3]);
  });

  it('stops while the socket is congested, and goes on where it was', () => {
    const driver = new HubDriver().connect();
    const congestion = (isCongested: boolean, dial = 1) =>
      driver.run({ kind: 'congestion', dial, isCongested });
    congestion(true);
    driver.publish('a', [1]);
    driver.request('a', 'r');
    congestion(false, 99);
    expect([driver.sent('publish'), driver.sent('request')]).toEqual([[], []]);
    congestion(false);
    expect([driver.sent('publish').length, driver.sent('request').length]).toEqual([1, 1]);
  });

  it('keeps within the bounds of frames that the server gave', () => {
    const driver = new HubDriver().connect('a', { limits: { maxFrameBytes: 5_000, maxBatch: 0 } });
    driver.publish('a', [1]);
    expect(driver.all('send').at(-1)?.bounds).toEqual({ maxFrameBytes: 5_000, maxBatch: 1 });
  });

  it('answers a ping of the server', () => {
    const driver = new HubDriver().connect();
    driver.frame({ type: 'ping' });
    expect(driver.sent('pong').map(({ head }) => head.re)).toEqual(['s']);
  });

  it('takes nothing over from a connection that had no session', () => {
    const driver = new HubDriver();
    driver.attach('a');
    driver.open();
    driver.frame({ type: 'ping' });
    driver.lost();
    driver.forget();
    driver.reopen();
    expect(driver.sent('pong')).toEqual([]);
  });
});

describe('a request', () => {
  it('is sent with an id of the hub, and its answer goes to the tab that asked', () => {
    const driver = new HubDriver().connect();
    driver.attach('b');
    driver.request('a', '1');
    driver.request('b', '1');
    const [first, second] = driver.sent('request').map(({ head }) => head.id);
    driver.frame({ type: 'response', re: second!, payload: { a: 1 } });
    driver.frame({ type: 'response', re: first!, payload: new Uint8Array([7]) });
    expect(driver.itemsOf('b', 'response')).toEqual([{ kind: 'response', id: '1', json: '{"a":1}' }]);
    expect(driver.itemsOf('a', 'response')).toMatchObject([{ id: '1', bytes: new Uint8Array([7]).buffer }]);
  });

  it('that the server refuses fails with its code, or as failed', () => {
    const driver = new HubDriver().connect();
    driver.request('a', '1');
    driver.request('a', '2');
    const [first, second] = driver.sent('request').map(({ head }) => head.id);
    driver.frame({ type: 'error', re: first!, payload: failure('unknown-method') });
    driver.frame({ type: 'error', re: second!, payload: failure('boom') });
    expect(driver.itemsOf('a', 'error')).toMatchObject([
      { id: '1', error: { code: 'unknown-method' } },
      { id: '2', error: { code: 'request-failed', detail: 'boom' } },
    ]);
  });

  it('that was sent is lost with the connection, and one that was not waits for the next', () => {
    const driver = new HubDriver().connect();
    driver.request('a', '1');
    driver.lost();
    driver.request('a', '2');
    expect(driver.itemsOf('a', 'error')).toMatchObject([
      { id: '1', error: { code: 'disconnected', retryable: true } },
    ]);
    driver.forget();
    driver.reopen();
    expect(driver.sent('request')).toHaveLength(1);
  });

  it('that its tab cancels is cancelled at the server, if that has it', () => {
    const driver = new HubDriver().connect();
    driver.request('a', '1');
    const [request] = driver.sent('request');
    driver.ops('a', { kind: 'cancel', id: '1' });
    driver.ops('a', { kind: 'cancel', id: '1' });
    expect(driver.sent('cancel').map(({ head }) => head.re)).toEqual([request!.head.id]);
    driver.frame({ type: 'response', re: request!.head.id, payload: 1 });
    expect(driver.itemsOf('a', 'response')).toEqual([]);
  });

  it('that is too large fails', () => {
    const driver = new HubDriver().connect('a', { limits: { maxFrameBytes: 4_097 } });
    driver.ops('a', { kind: 'request', id: '1', method: 'm', json: '"é"', ts: 0, timeoutMs: 1 });
    expect(driver.itemsOf('a', 'error')).toMatchObject([{ id: '1', error: { code: 'too-large' } }]);
  });
});

describe('a message at the wrong moment', () => {
  const handshaking = () => {
    const driver = new HubDriver();
    driver.attach('a');
    driver.open();
    driver.forget();
    return driver;
  };
  const closedWith = (driver: HubDriver) => driver.all('hang-up').map(({ code }) => code);

  it('ends the connection before the welcome', () => {
    const driver = handshaking();
    driver.messages('t', 1, 3);
    expect(closedWith(driver)).toEqual([closeCodes.unexpected]);
    expect(driver.state).toBe('backoff');
  });

  it.each([
    { type: 'ack', seq: 1 },
    { type: 'response', re: 'x', payload: 1 },
  ] as const)('ends the connection as $type before the welcome', (envelope) => {
    const driver = handshaking();
    driver.frame(envelope);
    expect(closedWith(driver)).toEqual([closeCodes.unexpected]);
  });

  it('ends the connection as a second welcome', () => {
    const driver = new HubDriver().connect();
    driver.forget();
    driver.welcome();
    expect(closedWith(driver)).toEqual([closeCodes.unexpected]);
  });

  it('stops the hub as a welcome of another wire version', () => {
    const driver = handshaking();
    driver.welcome({ version: 77 });
    expect(closedWith(driver)).toEqual([closeCodes.unsupportedVersion]);
    expect(driver.status).toMatchObject({ state: 'suspended', lastError: { code: 'unsupported-version' } });
  });

  it('stops the hub as a frame that is none', () => {
    const driver = new HubDriver().connect();
    driver.run({ kind: 'bad-frame', dial: 1, violation: 'the frame is not JSON' });
    expect(driver.all('hang-up')).toMatchObject([
      { code: closeCodes.malformedFrame, reason: 'the frame is not JSON' },
    ]);
    expect(driver.status).toMatchObject({ state: 'suspended', lastError: { code: 'protocol' } });
  });

  it('of an earlier dial changes nothing', () => {
    const driver = new HubDriver().connect();
    driver.lost();
    driver.reopen();
    driver.forget();
    driver.run({ kind: 'bad-frame', dial: 1, violation: 'x' });
    driver.run({ kind: 'frame', dial: 1, envelopes: [{ type: 'ack', id: '1', ts: 1, seq: 9 }] });
    driver.run({ kind: 'congestion', dial: 1, isCongested: true });
    expect([driver.effects, driver.state]).toEqual([[], 'open']);
  });
});

describe('an error of the server', () => {
  it('for a subscription ends it for every tab', () => {
    const driver = new HubDriver().connect();
    driver.attach('b');
    driver.subscribe('a', 1);
    driver.subscribe('b', 5);
    const [subscribe] = driver.sent('subscribe');
    driver.frame({ type: 'error', re: subscribe!.head.id, topic: 't', payload: failure('forbidden') });
    expect(driver.itemsOf('a', 'refused')).toMatchObject([{ sub: 1, error: { code: 'forbidden' } }]);
    expect(driver.itemsOf('b', 'refused')).toMatchObject([{ sub: 5, error: { code: 'forbidden' } }]);
    expect(driver.status.topics).toBe(0);
  });

  it('for nothing in particular is told in the status', () => {
    const driver = new HubDriver().connect();
    driver.forget();
    driver.frame({ type: 'error', payload: failure('odd', 'something happened') });
    expect(driver.itemsOf('a', 'status').at(-1)?.status.lastError).toMatchObject({
      code: 'protocol',
      message: 'something happened',
      detail: 'odd',
    });
  });
});
