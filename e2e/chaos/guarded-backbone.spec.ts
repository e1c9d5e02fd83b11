import { expect, test } from '@playwright/test';
import { MemoryBackbone, type OpenResult, type Publication, type PublishResult } from 'onesocket/server';
import { GuardedBackbone } from './guarded-backbone.ts';

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

const guard = () => {
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
    undefined,
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
