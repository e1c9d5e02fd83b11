import { describe, expect, it } from 'vitest';
import type { HubMetrics } from './core/metrics-types.ts';
import { TransferMeter } from './transfer-meter.ts';
import { FakeTab, publish, turn, World } from './testing/host-world.ts';

describe('a meter of transfers', () => {
  it('counts frames and their sizes in each direction apart', () => {
    const meter = new TransferMeter();
    meter.frameReceived('four');
    meter.frameReceived(new Uint8Array(3));
    meter.frameSent('sixteen');
    expect(meter.counts()).toMatchObject({
      framesReceived: 2,
      bytesReceived: 7,
      framesSent: 1,
      bytesSent: 7,
    });
  });

  it('gives what it has counted until then: a snapshot does not change', () => {
    const meter = new TransferMeter();
    const before = meter.counts();
    meter.commits.add(5);
    expect(before.commits.count).toBe(0);
    expect(meter.counts().commits).toEqual({ count: 1, meanMs: 5, maxMs: 5, lastMs: 5 });
  });
});

describe('a hub host', () => {
  it('counts the frames of its socket, and how long each commit takes, and answers a tab with them', async () => {
    let ticks = 0;
    const world = new World({
      clock: { context: () => ({ now: 1_000, ticks, random: 0.5 }), after: () => () => {} },
    });
    const { store } = world;
    const commit = store.commit.bind(store);
    store.commit = async (change) => {
      await commit(change);
      ticks += change.entries[0]?.tabSeq === 1 ? 8 : 2;
    };
    const tab = new FakeTab(world, 'a');
    await tab.attached();
    await turn();
    world.welcome();
    await turn();
    const { frames, events } = world.sockets.at(-1)!;
    const text = JSON.stringify({ type: 'ping', id: 'p', ts: 1 });
    events.frame(text);
    for (const tabSeq of [1, 2]) {
      await tab.api.push(world.host.hubId, 'a', [publish(tabSeq)]);
      await turn();
    }
    await tab.api.push(world.host.hubId, 'a', [{ kind: 'metrics', id: 'q' }]);
    await turn();
    const answer = tab.items.find((item) => item.kind === 'response');
    const metrics = JSON.parse((answer as { json: string }).json) as HubMetrics;
    expect(metrics).toMatchObject({ framesReceived: 2, framesSent: frames.length });
    expect(metrics.bytesSent).toBe(frames.reduce((sum, { length }) => sum + length, 0));
    expect(metrics.bytesReceived).toBeGreaterThan(text.length);
    expect(metrics.commits).toEqual({ count: 2, meanMs: 5, maxMs: 8, lastMs: 2 });
  });
});
