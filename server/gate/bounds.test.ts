import { describe, expect, it } from 'vitest';
import { Bans } from './bans.ts';
import { ExpiringMap } from './expiring-map.ts';
import * as closeCodes from '../../src/protocol/close-codes.ts';
import { pointsOf, Strikes } from './strikes.ts';
import { Tally } from './tally.ts';
import { isRested, takeTokens, TokenBucket } from './token-bucket.ts';

describe('a token bucket', () => {
  const rate = { perSecond: 8, burst: 5 };

  it('lets the burst pass, then one each eighth of a second', () => {
    const bucket = new TokenBucket(rate);
    expect(Array.from({ length: 6 }, () => bucket.tryTake(1, 0))).toEqual([0, 0, 0, 0, 0, 125]);
    expect(bucket.tryTake(1, 124)).toBe(1);
    expect(bucket.tryTake(1, 125)).toBe(0);
    expect(bucket.tryTake(1, 125)).toBe(125);
  });

  it('says how long a debt takes', () => {
    const bucket = new TokenBucket(rate);
    bucket.take(21, 0);
    expect([0, 1000, 2000].map((now) => bucket.waitMs(0, now))).toEqual([2000, 1000, 0]);
  });

  it('fills no further than the burst', () => {
    const bucket = new TokenBucket(rate);
    bucket.take(5, 1e6);
    expect(bucket.tryTake(1, 1e6)).toBe(125);
    expect(bucket.tryTake(6, 1e9)).toBe(125);
    expect(bucket.tryTake(5, 1e9)).toBe(0);
    expect(bucket.tryTake(1, 1e9)).toBe(125);
  });

  it('is rested when half of the burst could pass', () => {
    const fullAt = takeTokens(rate, -Infinity, 5, 0);
    expect([312, 313].map((now) => isRested(rate, fullAt, now))).toEqual([false, true]);
  });
});

describe('an expiring map', () => {
  it('forgets what was touched longest ago, above its bound', () => {
    const map = new ExpiringMap<number>({ maxEntries: 2, ttlMs: 1000 });
    map.touch('a', 0, () => 1);
    map.touch('b', 0, () => 2);
    map.touch('a', 1, () => 0);
    map.touch('c', 2, () => 3);
    expect(map.size).toBe(2);
    expect([map.touch('a', 3, () => -1), map.touch('b', 3, () => -2)]).toEqual([1, -2]);
  });

  it('forgets what has expired', () => {
    const map = new ExpiringMap<number>({ maxEntries: 10, ttlMs: 1000 });
    map.touch('a', 0, () => 1);
    map.touch('b', 500, () => 2);
    expect(map.touch('b', 1000, () => -2)).toBe(2);
    expect(map.size).toBe(1);
    expect(map.touch('b', 2000, () => -2)).toBe(-2);
  });
});

describe('bans', () => {
  const ban = (value: string, until: number) =>
    ({ kind: 'address', value, until, reason: 'r', by: 'strikes' }) as const;

  it('end by themselves', () => {
    const bans = new Bans(10);
    bans.add(ban('a', 100), 0);
    expect(bans.find({ kind: 'address', value: 'a' }, 99)).toBeDefined();
    expect(bans.find({ kind: 'identity', value: 'a' }, 99)).toBeUndefined();
    expect(bans.find({ kind: 'address', value: 'a' }, 100)).toBeUndefined();
    expect(bans.size).toBe(0);
  });

  it('above the bound lose the one that ends first', () => {
    const bans = new Bans(2);
    for (const [value, until] of [
      ['a', 300],
      ['b', 200],
      ['c', 400],
    ] as const)
      bans.add(ban(value, until), 0);
    expect(bans.list(0).map(({ value }) => value)).toEqual(['a', 'c']);
  });

  it('above the bound keep those that last, where one has ended', () => {
    const bans = new Bans(2);
    bans.add(ban('a', 300), 0);
    bans.add(ban('b', 100), 0);
    bans.add(ban('c', 200), 150);
    expect(bans.list(150).map(({ value }) => value)).toEqual(['a', 'c']);
  });
});

describe('strikes', () => {
  const bounds = { strikes: 10, strikeDecayMs: 1000, addresses: 3 };

  it('add up to a ban, and begin anew after it', () => {
    const strikes = new Strikes(bounds);
    expect([6, 3, 1, 9].map((points) => strikes.add('a', points, 0))).toEqual([false, false, true, false]);
  });

  it('are forgiven with time', () => {
    const strikes = new Strikes(bounds);
    expect(strikes.add('a', 9, 0)).toBe(false);
    expect(strikes.add('a', 5, 5000)).toBe(false);
    expect(strikes.add('a', 1, 5000)).toBe(true);
  });

  it('are remembered of no more clients than the bound', () => {
    const strikes = new Strikes(bounds);
    for (let client = 0; client < 1000; client++) strikes.add(`${client}`, 1, client);
    expect(strikes.size).toBe(3);
  });

  it('are never given for what can be the fault of the server, the network or the app', () => {
    const {
      protocolError,
      invalidPayload,
      policyViolation,
      tooBig,
      malformedFrame,
      unexpected,
      limitExceeded,
    } = closeCodes;
    const atFault = [
      protocolError,
      invalidPayload,
      policyViolation,
      tooBig,
      malformedFrame,
      unexpected,
      limitExceeded,
    ];
    const faultless = Object.values(closeCodes).filter((code) => !atFault.includes(code));
    expect(atFault.every((code) => pointsOf(code) > 0)).toBe(true);
    expect(faultless).toContain(closeCodes.internalError);
    expect(faultless).toContain(closeCodes.unauthenticated);
    expect(faultless.map(pointsOf)).toEqual(faultless.map(() => 0));
  });
});

it('a tally keeps no key without a count', () => {
  const tally = new Tally();
  tally.add('a');
  tally.add('a');
  tally.remove('a');
  expect(tally.count('a')).toBe(1);
  tally.remove('a');
  expect([tally.count('a'), tally.size]).toEqual([0, 0]);
});
