import { describe, expect, it } from 'vitest';
import * as coreLimits from './limits.ts';
import { Requests, type PendingRequest } from './requests.ts';

const op = (id: string): PendingRequest['op'] => ({
  kind: 'request',
  id,
  method: 'm',
  json: '1',
  ts: 0,
  timeoutMs: 1_000,
});

/** Requests of tabs, of which those in `sent` have been sent. */
function requestsOf(wanted: readonly (readonly [tab: string, id: string])[], sent: readonly string[] = []) {
  const requests = new Requests();
  for (const [tab, id] of wanted) requests.add(tab, op(id));
  for (const request of requests.unsent()) request.wasSent = sent.includes(request.op.id);
  return requests;
}

const ids = (requests: Iterable<PendingRequest>) => Array.from(requests, (request) => request.op.id);

describe('requests', () => {
  it('wait in the order in which they came until they are sent', () => {
    const requests = requestsOf(
      [
        ['a', '1'],
        ['b', '2'],
        ['a', '3'],
      ],
      ['2'],
    );
    expect(ids(requests.unsent())).toEqual(['1', '3']);
    expect(requests.hasUnderWay).toBe(true);
    expect(requestsOf([['a', '1']]).hasUnderWay).toBe(false);
  });

  it('of two tabs with the same id have two ids on the wire', () => {
    const requests = requestsOf([
      ['a', '1'],
      ['b', '1'],
    ]);
    const wireIds = Array.from(requests.unsent(), ({ wireId }) => wireId);
    expect(new Set(wireIds).size).toBe(2);
    expect(wireIds.map((wireId) => requests.settle(wireId)?.tabId)).toEqual(['a', 'b']);
  });

  it('are settled once, and never by an id that nobody asked with', () => {
    const requests = requestsOf([['a', '1']], ['1']);
    expect(requests.settle('1')).toBeUndefined();
    const [wireId] = [...requests.sessionLost()].map((request) => request.wireId);
    expect(requests.settle(wireId!)).toBeUndefined();
  });

  it('are cancelled by the tab that asked, and by no other', () => {
    const requests = requestsOf(
      [
        ['a', '1'],
        ['b', '1'],
      ],
      ['1'],
    );
    expect(requests.cancel('c', '1')).toBeUndefined();
    expect(requests.cancel('b', '1')).toMatchObject({ tabId: 'b', wasSent: true });
    expect(requests.cancel('b', '1')).toBeUndefined();
    expect(requests.cancel('a', '1')).toMatchObject({ tabId: 'a' });
  });

  it('leave with their tab', () => {
    const requests = requestsOf(
      [
        ['a', '1'],
        ['b', '2'],
        ['a', '3'],
      ],
      ['3'],
    );
    expect(ids(requests.dropTab('a'))).toEqual(['1', '3']);
    expect(requests.dropTab('a')).toEqual([]);
    expect(ids(requests.unsent())).toEqual(['2']);
  });

  it('that were sent are lost with the session, and the others wait for the next', () => {
    const requests = requestsOf(
      [
        ['a', '1'],
        ['b', '2'],
        ['a', '3'],
      ],
      ['1', '3'],
    );
    expect(ids(requests.sessionLost())).toEqual(['1', '3']);
    expect(requests.hasUnderWay).toBe(false);
    expect(ids(requests.unsent())).toEqual(['2']);
  });

  it('are refused above their bound, until one is settled', () => {
    const requests = requestsOf(Array.from({ length: coreLimits.requests }, (_, index) => ['a', `${index}`]));
    expect(requests.add('b', op('x'))).toMatchObject({ code: 'queue-full', retryable: true });
    requests.cancel('a', '7');
    expect(requests.add('b', op('x'))).toBeUndefined();
  });
});
