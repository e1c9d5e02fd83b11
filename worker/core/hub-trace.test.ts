import { describe, expect, it } from 'vitest';
import type { TabOp } from './hub-api.ts';
import { testConfig } from './testing/config.ts';
import { HubDriver } from './testing/hub-driver.ts';

const trace = (digit: string) => ({ traceparent: `00-${digit.repeat(32)}-${'b'.repeat(16)}-01` });
const subscribe = (sub: number, digit?: string, topic = 't'): TabOp => ({
  kind: 'subscribe',
  sub,
  topic,
  replay: 0,
  ...(digit && { trace: trace(digit) }),
});
const tracesOf = (driver: HubDriver) => driver.sent('subscribe').map(({ head }) => head.trace);

describe('the trace of a publish', () => {
  it('goes with the message; one without has no such field', () => {
    const driver = new HubDriver().connect();
    driver.publish('a', [1], { trace: trace('1') });
    driver.publish('a', [2]);
    const [traced, untraced] = driver.sent('publish');
    expect(traced!.head.trace).toEqual(trace('1'));
    expect(untraced!.head).not.toHaveProperty('trace');
  });

  it('goes with bytes, and with what is never stored', () => {
    const driver = new HubDriver().connect();
    driver.ops('a', {
      kind: 'publish',
      tabSeq: 1,
      id: 'x',
      topic: 't',
      ts: 1,
      bytes: new ArrayBuffer(2),
      trace: trace('1'),
    });
    driver.publish('a', [2], { volatile: true, trace: trace('2') });
    expect(driver.sent('publish').map(({ head }) => head.trace)).toEqual([trace('1'), trace('2')]);
  });

  it('goes again with what is sent again, and is that of the newer one of a key', () => {
    const driver = new HubDriver().connect();
    driver.publish('a', [1], { trace: trace('1') });
    driver.lost();
    driver.publish('a', [2], { trace: trace('2'), coalesceKey: 'k' });
    driver.publish('a', [3], { trace: trace('3'), coalesceKey: 'k' });
    driver.forget();
    driver.reopen();
    expect(driver.sent('publish').map(({ head }) => head.trace)).toEqual([trace('1'), trace('3')]);
  });

  it('is kept by what waits for room', () => {
    const driver = new HubDriver({
      queue: { ...testConfig.queue, maxEntries: 1, whenFull: 'block' },
    }).connect();
    driver.publish('a', [1]);
    driver.publish('a', [2], { trace: trace('2') });
    driver.frame({ type: 'ack', seq: driver.hub.outbox.lastSeq });
    expect(driver.sent('publish').at(-1)!.head.trace).toEqual(trace('2'));
  });

  it('is none of the fields of a listed entry', () => {
    const driver = new HubDriver();
    driver.attach('a');
    driver.publish('a', [1], { trace: trace('1') });
    driver.ops('a', { kind: 'list', id: 'l' });
    const [list] = driver.itemsOf('a', 'entries');
    expect(list!.entries).toHaveLength(1);
    expect(list!.entries[0]).not.toHaveProperty('trace');
  });
});

describe('the trace of a request', () => {
  it('goes with it, also where it had to wait for the connection', () => {
    const driver = new HubDriver();
    driver.attach('a');
    const request = { kind: 'request', method: 'm', json: '1', ts: driver.now, timeoutMs: 90_000 } as const;
    driver.ops('a', { ...request, id: 'r', trace: trace('1') }, { ...request, id: 's' });
    driver.open();
    driver.welcome();
    const [traced, untraced] = driver.sent('request');
    expect(traced!.head.trace).toEqual(trace('1'));
    expect(untraced!.head).not.toHaveProperty('trace');
  });
});

describe('the trace of a subscription', () => {
  it('goes with the topic that is asked for, that of the first tab', () => {
    const driver = new HubDriver();
    driver.attach('a');
    driver.attach('b');
    driver.ops('a', subscribe(1, '1'));
    driver.ops('b', subscribe(1, '2'), subscribe(2, undefined, 'u'));
    driver.open();
    driver.welcome();
    expect(tracesOf(driver)).toEqual([trace('1'), undefined]);
    expect(driver.sent('subscribe')[1]!.head).not.toHaveProperty('trace');
  });

  it('does not go with the topic again after a loss', () => {
    const driver = new HubDriver().connect();
    driver.ops('a', subscribe(1, '1'));
    driver.confirmTopics();
    driver.lost();
    driver.forget();
    driver.reopen();
    expect(tracesOf(driver)).toEqual([undefined]);
  });

  it('of a tab that finds the topic there does not go with a later resumption', () => {
    const driver = new HubDriver().connect();
    driver.ops('a', subscribe(1));
    driver.confirmTopics();
    driver.attach('b');
    driver.ops('b', subscribe(1, '2'));
    driver.lost();
    driver.forget();
    driver.reopen();
    expect(tracesOf(driver)).toEqual([undefined]);
  });
});

describe('the trace of a message', () => {
  const message = (offset: number, more: object = {}) =>
    ({ type: 'message', topic: 't', epoch: 'e', offset, payload: offset, ...more }) as never;

  it('comes to the tabs as it came, in the row of the message or beside the bytes', () => {
    const driver = new HubDriver().connect();
    driver.subscribe('a', 1);
    driver.confirmTopics();
    driver.frame(message(1, { trace: trace('1') }), message(2));
    driver.frame(message(3, { payload: new Uint8Array(2), trace: trace('3') }));
    driver.frame(message(4, { payload: new Uint8Array(2) }));
    const rows = driver.itemsOf('a', 'messages').flatMap((item) => JSON.parse(item.rows) as unknown[]);
    expect(rows).toEqual([
      ['s', 1, 1, trace('1')],
      ['s', 1, 2],
    ]);
    const [traced, untraced] = driver.itemsOf('a', 'bytes');
    expect(traced!.trace).toEqual(trace('3'));
    expect(untraced).not.toHaveProperty('trace');
  });
});
