import { expect, it, vi } from 'vitest';
import { FrameSource } from './frame-source.ts';
import { fuzz } from './fuzz.ts';
import { Random } from './random.ts';
import { SessionWorld } from './session-world.ts';

vi.setConfig({ testTimeout: 30_000 });

it('random and mutated frames crash nothing, leak nothing, and disturb nobody', async () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  const { sessionFrames, socketFrames } = await fuzz({ seed, frames: 20_000 });
  expect([sessionFrames, socketFrames]).toEqual([19_800, 200]);
}, 120_000);

it('the same seed makes the same frames, and another one others', () => {
  const digest = (seed: number) => {
    const source = new FrameSource(seed);
    for (let n = 0; n < 3000; n++) source.next();
    return source.digest;
  };
  expect(digest(1)).toBe(digest(1));
  expect(digest(1)).not.toBe(digest(2));
});

it('most frames reach sessions that are alive, and all parts of them', async () => {
  const world = new SessionWorld(new Random(1), false);
  const source = new FrameSource(1);
  for (let n = 0; n < 5000; n++) world.attack(source.next());
  const { stats } = world.context;
  const { frames, malformed, accepted, requests, delivered, duplicates } = stats;
  expect(frames).toBeGreaterThan(4500);
  expect(malformed).toBeLessThan(frames * 0.7);
  for (const count of [malformed, accepted, requests, delivered, duplicates])
    expect(count).toBeGreaterThan(20);
  await world.end();
});

it('a session that leaks is found', async () => {
  const world = new SessionWorld(new Random(1), false);
  world.attack('{"type":"subscribe","id":"1","ts":1,"topic":"a"}');
  world.context.stats.subscriptions++;
  await expect(world.end()).rejects.toThrow('subscriptions beside the control client');
});

it('a control client that misses something is noticed', async () => {
  const world = new SessionWorld(new Random(1), false);
  await world.check();
  await world.context.backbone.publish({
    topic: 'control: untouched',
    id: 'x',
    ts: 1,
    payload: '"intruder"',
  });
  world.clock.advance(0);
  await expect(world.check()).rejects.toThrow('control:');
});
