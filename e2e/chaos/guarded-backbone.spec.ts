import { expect, test } from '@playwright/test';
import { MemoryBackbone, type OpenResult, type Publication, type PublishResult } from 'onesocket/server';
import { GuardedBackbone } from './guarded-backbone.ts';
import type { Breakage } from './server-contract.ts';

/** A backbone that fences nobody. */
class CarelessBackbone extends MemoryBackbone {
  #lease = 0;

  override openClient(): OpenResult {
    return { kind: 'open', lease: ++this.#lease, lastSeq: 0, refusals: [] };
  }

  override publish({ client: _, ...publication }: Publication): PublishResult {
    return super.publish(publication);
  }
}

const guard = (breaks?: Breakage) => {
  const violations: string[] = [];
  const later: (() => void)[] = [];
  const backbone = new GuardedBackbone(
    new CarelessBackbone(),
    {
      openings: [],
      opened: () => {},
      violated: (text) => void violations.push(text),
      after: (_delayMs, run) => void later.push(run),
    },
    breaks,
  );
  return {
    violations,
    backbone,
    pass: () => later.splice(0).forEach((run) => run()),
    open: (epoch: number) => backbone.openClient({ key: 'k', epoch, acked: 0 }),
    publish: (lease: number) =>
      backbone.publish({ topic: 't', id: 'i', ts: 1, payload: '1', client: { key: 'k', lease, seq: 1 } }),
  };
};

test('one connection after the other is in order', async () => {
  const { open, publish, pass, backbone, violations } = guard();
  await open(1);
  await publish(1);
  await open(2);
  await publish(2);
  await backbone.closeClient('k', 1);
  pass();
  expect(violations).toEqual([]);
});

test('a publish of an older connection that is accepted beside a newer one is found', async () => {
  const { open, publish, violations } = guard();
  await open(1);
  await open(1);
  await publish(1);
  expect(violations).toEqual(['k published with lease 1 while 2 was open']);
});

test('an older epoch that is accepted after a newer one is found', async () => {
  const { open, violations } = guard();
  await open(2);
  await open(1);
  expect(violations).toEqual(['k was opened with epoch 1 after 2']);
});

test('an older connection that stays open is found', async () => {
  const { open, pass, violations } = guard();
  await open(1);
  await open(2);
  pass();
  expect(violations).toEqual(['k has two connections: lease 1 is still open']);
});

test('a broken server damages one byte of some large contents, and nothing else', async () => {
  const { backbone } = guard('damage');
  const parts = [new Uint8Array(65_536), new Uint8Array(10)];
  const large = { id: 'x', size: 65_546, form: 'blob', parts } as const;
  for (let n = 1; n <= 10; n += 1) {
    await backbone.publish({ topic: 't', id: `small-${n}`, ts: 1, payload: '1' });
    await backbone.publish({ topic: 't', id: `large-${n}`, ts: 1, payload: { ...large, id: `x-${n}` } });
  }
  const { messages } = await backbone.read('t', 0, { maxMessages: 20, maxBytes: 10_000_000 });
  const wrong = messages.map(({ large: kept }) =>
    (kept?.parts ?? []).reduce((sum, part) => sum + part.filter((byte) => byte !== 0).length, 0),
  );
  const once = [0, 0, 0, 1];
  expect(wrong).toEqual([...once, ...once, ...once, ...once, ...once]);
  expect(parts.every((part) => part.every((byte) => byte === 0))).toBe(true);
});
