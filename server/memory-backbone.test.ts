import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backboneConformance } from './backbone-conformance.ts';
import { lateBackbone } from './late-backbone.ts';
import { MemoryBackbone } from './memory-backbone.ts';
import { VirtualClock } from './virtual-clock.ts';

const limits = {
  historyMessages: 10,
  historyBytes: 1_000_000,
  topics: 10,
  clients: 10,
  clientMemoryMs: 1000,
};
const message = (topic: string, payload = '1') => ({ topic, id: 'id', ts: 1, payload });

describe('the memory backbone', () => {
  it.each(backboneConformance)('$name', ({ run }) => run(new MemoryBackbone({ limits })));
  it.each(backboneConformance)('$name, and late', ({ run }) =>
    run(lateBackbone(new MemoryBackbone({ limits }))),
  );
});

describe('its topics', () => {
  it('are bounded in bytes, but keep the newest message', () => {
    const backbone = new MemoryBackbone({ limits: { ...limits, historyBytes: 1000 } });
    for (let index = 0; index < 8; index++) backbone.publish(message('t', JSON.stringify('x'.repeat(300))));
    expect(backbone.head('t')).toMatchObject({ oldest: 7, offset: 8 });
    backbone.publish(message('t', JSON.stringify('x'.repeat(5000))));
    expect(backbone.head('t')).toMatchObject({ oldest: 9, offset: 9 });
  });

  it('are bounded in number: the one unused for longest is forgotten', () => {
    const backbone = new MemoryBackbone({ limits: { ...limits, topics: 2 } });
    backbone.publish(message('a'));
    backbone.publish(message('b'));
    backbone.publish(message('a'));
    backbone.publish(message('c'));
    expect(['a', 'b', 'c'].map((topic) => backbone.head(topic).offset)).toEqual([2, 0, 1]);
  });

  it('are not forgotten while they are watched', () => {
    const backbone = new MemoryBackbone({ limits: { ...limits, topics: 1 } });
    const watch = backbone.watch('a', () => undefined);
    expect(backbone.publish(message('b'))).toMatchObject({ kind: 'refused', code: 'limit' });
    expect(backbone.watch('b', () => undefined)).toEqual({ kind: 'full' });
    if (watch.kind === 'watching') watch.stop();
    expect(backbone.publish(message('b'))).toMatchObject({ kind: 'published', offset: 1 });
  });

  it('hold exactly the newest messages, whatever was published and read', () => {
    const commands = fc.array(
      fc.record({ count: fc.integer({ min: 1, max: 30 }), after: fc.nat({ max: 120 }) }),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(commands, (rounds) => {
        const backbone = new MemoryBackbone({ limits });
        let total = 0;
        for (const { count, after } of rounds) {
          for (let index = 0; index < count; index++) backbone.publish(message('t', String(++total)));
          const { messages, oldest, offset } = backbone.read('t', after, { maxMessages: 100, maxBytes: 1e6 });
          const first = Math.max(after + 1, total - 9, 1);
          const expected = Array.from(
            { length: Math.max(0, total - first + 1) },
            (_, index) => first + index,
          );
          expect(messages.map((stored) => stored.offset)).toEqual(expected);
          expect([oldest, offset]).toEqual([Math.max(1, total - 9), total]);
        }
      }),
    );
  });
});

describe('its clients', () => {
  it('are forgotten some time after they have disconnected', () => {
    const clock = new VirtualClock();
    const backbone = new MemoryBackbone({ limits, clock });
    const open = (key: string) => {
      const result = backbone.openClient({ key, epoch: 1, acked: 0 });
      if (result.kind !== 'open') throw new Error(result.kind);
      return result;
    };
    const { lease } = open('k');
    backbone.publish({ ...message('t'), client: { key: 'k', lease, seq: 1 } });
    clock.advance(5000);
    backbone.closeClient('k', lease);
    clock.advance(999);
    const again = open('k');
    expect(again.lastSeq).toBe(1);
    backbone.closeClient('k', again.lease);
    clock.advance(1000);
    expect(open('k').lastSeq).toBe(0);
  });

  it('are fenced once they are forgotten, for a newer connection may have sent the same', () => {
    const backbone = new MemoryBackbone({ limits: { ...limits, clients: 1 } });
    const open = (key: string) => {
      const result = backbone.openClient({ key, epoch: 1, acked: 0 });
      if (result.kind !== 'open') throw new Error(result.kind);
      return result;
    };
    const zombie = { key: 'k', lease: open('k').lease, seq: 1 };
    const newer = { key: 'k', lease: open('k').lease, seq: 1 };
    expect(backbone.publish({ ...message('t'), client: newer }).kind).toBe('published');
    backbone.closeClient('k', newer.lease);
    backbone.closeClient('other', open('other').lease);
    const late = () => backbone.publish({ ...message('t'), client: zombie }).kind;
    expect(late()).toBe('fenced');
    expect(backbone.recordRefusal(zombie, { code: 'no', message: 'no' }).kind).toBe('fenced');
    expect(open('k').lastSeq).toBe(0);
    expect(late()).toBe('fenced');
    expect(backbone.head('t').offset).toBe(1);
  });

  it('are bounded in number once they have disconnected', () => {
    const backbone = new MemoryBackbone({ limits: { ...limits, clients: 2 } });
    for (const key of ['a', 'b', 'c']) {
      const opened = backbone.openClient({ key, epoch: 3, acked: 0 });
      if (opened.kind === 'open') backbone.closeClient(key, opened.lease);
    }
    const stale = ['a', 'b', 'c'].map((key) => backbone.openClient({ key, epoch: 1, acked: 0 }).kind);
    expect(stale).toEqual(['open', 'stale', 'stale']);
  });
});
