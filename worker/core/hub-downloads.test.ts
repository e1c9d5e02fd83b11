import { describe, expect, it } from 'vitest';
import { chunkBytes } from '../../src/protocol/limits.ts';
import * as coreLimits from './limits.ts';
import { HubDriver } from './testing/hub-driver.ts';

const size = 20 * chunkBytes + 10;

/** A connected hub with a live topic t, of which tab a has everything. */
function subscribed(): HubDriver {
  const driver = new HubDriver().connect();
  driver.subscribe('a', 1);
  driver.confirmTopics();
  driver.forget();
  return driver;
}

const largeMessage = (driver: HubDriver, offset: number, at = 0, id = `x${offset}`, bytes = size) =>
  driver.frame({
    type: 'message',
    topic: 't',
    epoch: 'e',
    offset,
    payload: null,
    transfer: { id, size: bytes, form: 'blob', mime: 'image/png', at },
  });

/** Chunks from one byte to another. */
function chunks(driver: HubDriver, from: number, until: number, transfer = 'x1'): void {
  for (let at = from; at < until; at += chunkBytes) {
    const payload = new Uint8Array(Math.min(chunkBytes, until - at));
    driver.frame({ type: 'chunk', transfer, at, payload });
  }
}

const told = (driver: HubDriver, tab = 'a') =>
  driver.items(tab).flatMap((item) => {
    if (item.kind === 'large') return [`large ${item.offset}: ${item.large.blob.size}`];
    if (item.kind === 'messages') return [`rows ${item.offset}`];
    return item.kind === 'gap' ? [`gap ${item.offset} ${item.reason}`] : [];
  });

describe('a large message', () => {
  it('is handed on when all of it has come, with all that it is', () => {
    const driver = subscribed();
    largeMessage(driver, 1);
    chunks(driver, 0, size - 10);
    expect(told(driver)).toEqual([]);
    chunks(driver, size - 10, size);
    expect(driver.itemsOf('a', 'large')).toEqual([
      {
        kind: 'large',
        sub: 1,
        epoch: 'e',
        offset: 1,
        id: 's',
        ts: 1,
        large: { blob: { size }, form: 'blob', mime: 'image/png' },
      },
    ]);
    driver.messages('t', 2, 2);
    expect(told(driver)).toEqual([`large 1: ${size}`, 'rows 2']);
  });

  it('is acknowledged chunk by chunk, whether or not somebody still wants it', () => {
    const driver = subscribed();
    largeMessage(driver, 1);
    chunks(driver, 0, 2 * chunkBytes);
    driver.ops('a', { kind: 'unsubscribe', sub: 1 });
    chunks(driver, 2 * chunkBytes, 3 * chunkBytes);
    expect(driver.sent('chunk-ack').map(({ head }) => [head.transfer, head.received])).toEqual([
      ['x1', chunkBytes],
      ['x1', 2 * chunkBytes],
      ['x1', 3 * chunkBytes],
    ]);
  });

  it('tells how far it is, a hundred times at most, to tabs that have all before it', () => {
    const driver = subscribed();
    const bytes = 500 * chunkBytes;
    largeMessage(driver, 1, 0, 'x1', bytes);
    chunks(driver, 0, bytes);
    const progress = driver.itemsOf('a', 'progress').map(({ received }) => received);
    expect(progress.length).toBeLessThanOrEqual(100);
    expect(progress.length).toBeGreaterThan(90);
    expect(progress).toEqual(progress.toSorted((a, b) => a - b));
    expect(driver.itemsOf('a', 'progress')[0]).toMatchObject({ sub: 1, offset: 1, id: 's', size: bytes });
  });

  it('goes on after a loss where it was', () => {
    const driver = subscribed();
    largeMessage(driver, 1);
    chunks(driver, 0, 3 * chunkBytes);
    driver.lost();
    driver.forget();
    driver.reopen();
    const received = 3 * chunkBytes;
    expect(driver.sent('subscribe')[0]!.head.resume).toEqual({
      epoch: 'e',
      offset: 0,
      partial: { offset: 1, received },
    });
    driver.confirmTopics();
    largeMessage(driver, 1, received, 'y');
    chunks(driver, received, size, 'y');
    expect(told(driver)).toEqual([`large 1: ${size}`]);
  });

  it('begins anew where the server does', () => {
    const driver = subscribed();
    largeMessage(driver, 1);
    chunks(driver, 0, 3 * chunkBytes);
    driver.lost();
    driver.reopen();
    driver.confirmTopics();
    largeMessage(driver, 1, 0, 'y');
    chunks(driver, 0, size, 'y');
    expect(told(driver)).toEqual([`large 1: ${size}`]);
  });

  it('is a hole where the server has forgotten it', () => {
    const driver = subscribed();
    largeMessage(driver, 1);
    chunks(driver, 0, 3 * chunkBytes);
    driver.frame({ type: 'gap', topic: 't', epoch: 'e', offset: 1, payload: { reason: 'history' } });
    chunks(driver, 3 * chunkBytes, size);
    driver.messages('t', 2, 2);
    expect(told(driver)).toEqual(['gap 1 history', 'rows 2']);
    driver.lost();
    driver.forget();
    driver.reopen();
    expect(driver.sent('subscribe')[0]!.head.resume).toEqual({ epoch: 'e', offset: 2 });
  });

  it('may be empty, and may have come already', () => {
    const driver = subscribed();
    largeMessage(driver, 1, 0, 'x1', 0);
    largeMessage(driver, 1, 0, 'x1', 0);
    expect(told(driver)).toEqual(['large 1: 0']);
  });

  it('is kept for tabs that come later, within a bound of its own', () => {
    const driver = new HubDriver().connect();
    driver.subscribe('a', 1);
    driver.confirmTopics();
    const bytes = coreLimits.tailLargeBytes / 2;
    for (const offset of [1, 2, 3]) {
      largeMessage(driver, offset, 0, `x${offset}`, bytes);
      chunks(driver, 0, bytes, `x${offset}`);
    }
    driver.attach('b');
    driver.subscribe('b', 1, 't', 10);
    expect(told(driver, 'b')).toEqual([`large 2: ${bytes}`, `large 3: ${bytes}`]);
  });
});
