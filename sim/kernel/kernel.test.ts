import { describe, expect, it } from 'vitest';
import { Kernel } from './kernel.ts';
import { Random } from './random.ts';
import { Realm } from './realm.ts';

describe('the kernel', () => {
  it('runs events in the order of their moments, and those of one moment as they were scheduled', async () => {
    const kernel = new Kernel();
    const seen: string[] = [];
    for (const [atMs, name] of [
      [5, 'c'],
      [1, 'a'],
      [5, 'd'],
      [2, 'b'],
    ] as const) {
      kernel.schedule(atMs, () => seen.push(`${name}${kernel.now}`));
    }
    await kernel.run(10);
    expect(seen).toEqual(['a1', 'b2', 'c5', 'd5']);
    expect(kernel.now).toBe(10);
  });

  it('settles every promise of an event before the next', async () => {
    const kernel = new Kernel();
    const seen: string[] = [];
    kernel.schedule(1, async () => {
      for (let count = 0; count < 20; count += 1) await Promise.resolve();
      seen.push('first');
    });
    kernel.schedule(1, () => seen.push('second'));
    await kernel.run(2);
    expect(seen).toEqual(['first', 'second']);
  });

  it('does not run what was prevented, and stops at the first failure', async () => {
    const kernel = new Kernel();
    const seen: string[] = [];
    kernel.schedule(1, () => seen.push('prevented'))();
    kernel.schedule(2, () => {
      throw new Error('broken');
    });
    kernel.schedule(3, () => seen.push('later'));
    await kernel.run(4);
    expect(seen).toEqual([]);
    expect(kernel.failure).toEqual(new Error('broken'));
    expect(kernel.now).toBe(2);
  });
});

describe('a realm', () => {
  it('runs what came while it was frozen once it thaws, in order, and nothing after its death', async () => {
    const kernel = new Kernel();
    const realm = new Realm(kernel, 'page');
    const seen: number[] = [];
    for (const atMs of [1, 2, 6, 8]) realm.after(atMs, () => seen.push(atMs));
    realm.freeze();
    kernel.schedule(5, () => realm.thaw());
    kernel.schedule(7, () => realm.die('killed'));
    await kernel.run(10);
    expect(seen).toEqual([1, 2, 6]);
  });

  it('dies in the middle of its work once it has done what it may', () => {
    const realm = new Realm(new Kernel(), 'worker');
    realm.dieAfter(2);
    expect([realm.emits(), realm.emits(), realm.emits(), realm.isDead]).toEqual([true, true, false, true]);
  });

  it('leaves the moment of its end with the kernel, that of a late death too', async () => {
    const kernel = new Kernel();
    const realm = new Realm(kernel, 'page');
    realm.dieAfter(0);
    expect(kernel.diedAt).toBe(-Infinity);
    realm.after(5, () => realm.emits());
    await kernel.run(10);
    expect(kernel.diedAt).toBe(5);
  });

  it('takes along what it has started when it freezes, thaws and dies', () => {
    const page = new Realm(new Kernel(), 'page');
    const worker = page.spawn('worker');
    page.freeze();
    expect(worker.isFrozen).toBe(true);
    page.thaw();
    expect([worker.isFrozen, [...page.children]]).toEqual([false, [worker]]);
    page.die('killed');
    expect([worker.isDead, [...page.children]]).toEqual([true, []]);
  });

  it('is ended by a message while it is in the back/forward cache, unless the end is closed or it is its own', async () => {
    const kernel = new Kernel();
    const realm = new Realm(kernel, 'page');
    const seen: string[] = [];
    realm.evicted = () => seen.push('evicted');
    realm.isCached = true;
    const worker = new Realm(kernel, 'worker');
    realm.receive(worker, 1, { isClosed: true }, () => seen.push('closed'));
    realm.receive(realm, 1, { isClosed: false }, () => {});
    await kernel.run(2);
    expect(seen).toEqual([]);
    realm.receive(worker, 3, { isClosed: false }, () => {});
    await kernel.run(5);
    expect(seen).toEqual(['evicted']);
  });
});

describe('chance', () => {
  it('gives the same numbers for the same seed, and others for another', () => {
    const draw = (seed: number) =>
      Array.from(
        { length: 5 },
        (
          (random) => () =>
            random.next()
        )(new Random(seed)),
      );
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
  });

  it('has streams that do not shift each other', () => {
    const [one, other] = [new Random(1), new Random(1)];
    one.next();
    expect(one.fork('a').next()).toBe(other.fork('a').next());
    expect(one.fork('a').next()).not.toBe(one.fork('b').next());
  });

  it('is spread evenly', () => {
    const random = new Random('even');
    const counts = Array.from({ length: 10 }, () => 0);
    for (let count = 0; count < 10_000; count += 1) counts[random.int(0, 9)]! += 1;
    for (const count of counts) expect(count).toBeGreaterThan(850);
  });
});
