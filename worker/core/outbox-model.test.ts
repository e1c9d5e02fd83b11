import { deepEqual, equal, ok } from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'vitest';
import { errorData } from '../../src/protocol/errors.ts';
import { Outbox, type EntryFate } from './outbox.ts';

type Command =
  | { readonly kind: 'append'; readonly tab: number; readonly bytes: number; readonly ttlMs: number | null }
  | { readonly kind: 'repeat'; readonly tab: number; readonly back: number }
  | { readonly kind: 'store' | 'server-takes' | 'ack' | 'nack'; readonly count: number }
  | { readonly kind: 'connect' | 'expire' | 'too-large' }
  | { readonly kind: 'take'; readonly window: number }
  | { readonly kind: 'sleep'; readonly ms: number };

const small = fc.nat(6);
const commands: fc.Arbitrary<Command[]> = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant('append' as const),
        tab: fc.nat(2),
        bytes: fc.nat(20),
        ttlMs: fc.option(fc.integer({ min: 1, max: 50 })),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('repeat' as const), tab: fc.nat(2), back: small }),
    },
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constantFrom('store' as const, 'server-takes' as const, 'ack' as const, 'nack' as const),
        count: small,
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constantFrom('connect' as const, 'expire' as const, 'too-large' as const),
      }),
    },
    {
      weight: 5,
      arbitrary: fc.record({ kind: fc.constant('take' as const), window: fc.integer({ min: 1, max: 8 }) }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('sleep' as const), ms: fc.nat(60) }) },
  ),
  { maxLength: 120, size: 'max' },
);

interface NaiveEntry {
  readonly seq: number;
  readonly tab: number;
  readonly tabSeq: number;
  readonly bytes: number;
  readonly expiresAt: number | null;
  fate: 'none' | 'acked' | 'failed';
  stored: boolean;
  /** On its way to the server, or there, as far as the hub can know. */
  maySent: boolean;
  underWay: boolean;
}

const error = errorData('rejected', 'no');
const bounds = { maxEntries: 12, maxBytes: 150 };
const tabId = (tab: number) => `tab${tab}`;

/** The outbox beside the simplest thing that does the same: a list in which nothing is ever removed. */
class Comparison {
  readonly outbox = new Outbox(bounds, 0);
  readonly entries: NaiveEntry[] = [];
  readonly lastTabSeq = [0, 0, 0];
  now = 1_000;
  /** Highest sequence that the server has taken, and the one that it has said so of on this connection. */
  serverSeq = 0;

  run(command: Command): void {
    switch (command.kind) {
      case 'append':
        return this.append(command.tab, command.bytes, command.ttlMs);
      case 'repeat':
        return this.repeat(command.tab, command.back);
      case 'store':
        return this.store(command.count);
      case 'server-takes':
        return this.serverTakes(command.count);
      case 'ack':
        return this.ack(Math.max(0, this.serverSeq - command.count));
      case 'nack':
        return this.nack(command.count);
      case 'connect':
        return this.connect();
      case 'take':
        return this.take(command.window);
      case 'expire':
        return this.expire();
      case 'too-large':
        return this.tooLarge();
      case 'sleep':
        this.now += command.ms;
        return;
      default:
        command satisfies never;
    }
  }

  append(tab: number, bytes: number, ttlMs: number | null): void {
    const tabSeq = (this.lastTabSeq[tab]! += 1);
    const expiresAt = ttlMs === null ? null : this.now + ttlMs;
    const base = { id: 'i', topic: 't', ts: 0, json: 'x'.repeat(bytes), expiresAt };
    const result = this.outbox.append({ ...base, tabId: tabId(tab), tabSeq });
    const { entries, bytes: pendingBytes } = this.pending();
    if (entries >= bounds.maxEntries || pendingBytes + bytes > bounds.maxBytes) {
      ok(typeof result === 'object' && 'kind' in result && result.kind === 'failed');
      deepEqual([result.tabSeq, result.error.code], [tabSeq, 'queue-full']);
      return;
    }
    const seq = this.entries.length + 1;
    ok(typeof result === 'object' && 'seq' in result);
    deepEqual([result.seq, result.tabSeq], [seq, tabSeq]);
    const state = { fate: 'none', stored: false, maySent: false, underWay: false } as const;
    this.entries.push({ seq, tab, tabSeq, bytes, expiresAt, ...state });
  }

  repeat(tab: number, back: number): void {
    const tabSeq = this.lastTabSeq[tab]! - back;
    if (tabSeq < 1) return;
    const base = { id: 'i', topic: 't', ts: 0, json: '', expiresAt: null };
    equal(this.outbox.append({ ...base, tabId: tabId(tab), tabSeq }), 'repeated');
  }

  store(count: number): void {
    const waiting = this.entries.filter((entry) => !entry.stored).slice(0, count);
    for (const entry of waiting) entry.stored = true;
    this.expectCumulative(this.outbox.stored(waiting.at(-1)?.seq ?? 0), 'stored', waiting);
  }

  /** The server handles so many of those that were sent. */
  serverTakes(count: number): void {
    const sent = this.entries.filter(({ maySent, seq }) => maySent && seq > this.serverSeq);
    this.serverSeq = sent.slice(0, count).at(-1)?.seq ?? this.serverSeq;
  }

  ack(seq: number): void {
    const before = this.outbox.acked;
    this.expectCumulative(this.outbox.ack(seq), 'acked', this.acknowledge(before, seq));
  }

  nack(index: number): void {
    const entry = this.entries.filter(({ underWay }) => underWay)[index];
    if (entry) this.expectFailed(this.outbox.fail(entry.seq, error), entry.fate === 'none' ? [entry] : []);
  }

  connect(): void {
    const before = this.outbox.acked;
    const fates = this.outbox.resume(this.serverSeq);
    this.expectCumulative(fates, 'acked', this.acknowledge(before, this.serverSeq));
    for (const entry of this.entries) {
      entry.underWay = false;
      if (entry.seq > this.outbox.acked) entry.maySent = false;
    }
  }

  take(window: number): void {
    const { entries, fates } = this.outbox.take(window, this.now);
    const room = window - this.entries.filter(({ underWay, fate }) => underWay && fate === 'none').length;
    const expected: NaiveEntry[] = [];
    const expired: NaiveEntry[] = [];
    for (const entry of this.entries) {
      if (expected.length >= room || !entry.stored) break;
      if (entry.maySent || entry.fate !== 'none') continue;
      (isOver(entry, this.now) ? expired : expected).push(entry);
    }
    deepEqual(entries.map(seqOf), expected.map(seqOf));
    this.expectFailed(fates, expired);
    for (const entry of expected) entry.maySent = entry.underWay = true;
  }

  expire(): void {
    const { fates, nextAt } = this.outbox.expire(this.now);
    const open = this.entries.filter(({ maySent, fate }) => !maySent && fate === 'none');
    this.expectFailed(
      fates,
      open.filter((entry) => isOver(entry, this.now)),
    );
    const later = open.flatMap(({ expiresAt }) =>
      expiresAt !== null && expiresAt > this.now ? [expiresAt] : [],
    );
    equal(nextAt, later.length > 0 ? Math.min(...later) : null);
  }

  tooLarge(): void {
    const underWay = this.entries.filter(({ maySent, fate }) => maySent && fate === 'none');
    const largest = Math.max(...underWay.map(({ bytes }) => bytes));
    const expected = underWay.filter(({ bytes }) => bytes === largest).slice(0, 1);
    this.expectFailed(this.outbox.failLargestUnderWay(error), expected);
  }

  /** What is true of the outbox at any time. */
  check(): void {
    deepEqual(this.outbox.pending, this.pending());
    equal(
      this.outbox.isAwaitingAck,
      this.entries.some(({ underWay, fate }) => underWay && fate === 'none'),
    );
    for (const [tab, last] of this.lastTabSeq.entries()) {
      const open = this.entries.filter((entry) => entry.tab === tab && entry.fate === 'none');
      const before = (entry: NaiveEntry | undefined) => (entry ? entry.tabSeq - 1 : last);
      equal(this.outbox.lastTabSeq(tabId(tab)), last);
      deepEqual(this.outbox.tabSeqs(tabId(tab)), {
        takenUpTo: last,
        storedUpTo: before(open.find(({ stored }) => !stored)),
        ackedUpTo: before(open[0]),
      });
    }
  }

  private pending() {
    const open = this.entries.filter(({ fate }) => fate === 'none');
    return { entries: open.length, bytes: open.reduce((sum, { bytes }) => sum + bytes, 0) };
  }

  private acknowledge(after: number, through: number): NaiveEntry[] {
    const passed = this.entries.filter(({ seq }) => seq > after && seq <= through);
    for (const entry of passed) {
      if (entry.fate === 'none') entry.fate = 'acked';
      entry.stored = entry.maySent = true;
    }
    return passed;
  }

  private expectFailed(fates: readonly EntryFate[], entries: readonly NaiveEntry[]): void {
    deepEqual(
      fates.map((fate) => [fate.kind, fate.tabId, fate.kind === 'failed' && fate.tabSeq]),
      entries.map(({ tab, tabSeq }) => ['failed', tabId(tab), tabSeq]),
    );
    for (const entry of entries) entry.fate = 'failed';
  }

  /** A cumulative answer names the last open entry of each tab, and may name a failed one behind it. */
  private expectCumulative(
    fates: readonly EntryFate[],
    kind: 'stored' | 'acked',
    passed: readonly NaiveEntry[],
  ): void {
    const upTo = new Map(fates.map((fate) => [fate.tabId, fate.kind === kind ? fate.upTo : -1]));
    for (const tab of this.lastTabSeq.keys()) {
      const own = passed.filter((entry) => entry.tab === tab);
      const least = own.findLast(({ fate }) => fate !== 'failed')?.tabSeq ?? 0;
      const told = upTo.get(tabId(tab)) ?? 0;
      ok(told >= least && told <= (own.at(-1)?.tabSeq ?? 0), `${kind} up to ${told}, not ${least}`);
    }
  }
}

const seqOf = ({ seq }: { readonly seq: number }) => seq;
const isOver = ({ expiresAt }: NaiveEntry, now: number) => expiresAt !== null && expiresAt <= now;

describe('the outbox', () => {
  it('does what a naive list does', () => {
    fc.assert(
      fc.property(commands, (sequence) => {
        const comparison = new Comparison();
        for (const command of sequence) {
          comparison.run(command);
          comparison.check();
        }
      }),
      { numRuns: 500 },
    );
  });

  it('settles everything once the server takes all that is sent', () => {
    fc.assert(
      fc.property(commands, (sequence) => {
        const comparison = new Comparison();
        for (const command of sequence) comparison.run(command);
        comparison.store(Infinity);
        comparison.connect();
        for (let turn = 0; turn < comparison.entries.length; turn++) {
          comparison.take(2);
          comparison.serverTakes(2);
          comparison.ack(comparison.serverSeq);
        }
        deepEqual(comparison.outbox.pending, { entries: 0, bytes: 0 });
      }),
      { numRuns: 300 },
    );
  });
});
