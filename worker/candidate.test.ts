import { describe, expect, it } from 'vitest';
import { standForHub } from './candidate.ts';
import type { Call } from './channel.ts';
import * as workerLimits from './limits.ts';
import { hubLock } from './names.ts';
import { hubName, turn } from './testing/host-world.ts';
import { memoryChannels } from './testing/memory-channels.ts';
import { MemoryLocks } from './testing/memory-locks.ts';

const lockName = hubLock(hubName);
const { pingAfterMs, pingSpread, pingsMax, stealAgainMs } = workerLimits;
/** The longest that a candidate waits for one thing. */
const waitMsMax = pingAfterMs * (1 + pingSpread);
const stealMsMin = (pingsMax + 1) * pingAfterMs * (1 - pingSpread);
const stealMsMax = (pingsMax + 1) * waitMsMax;

/** Candidates, and hubs that answer or do not, on one virtual clock. */
class Field {
  readonly locks = new MemoryLocks();
  readonly openChannel = memoryChannels();
  readonly timers = new Set<{ readonly at: number; readonly run: () => void }>();
  /** What candidates were told, with the time. */
  readonly told: string[] = [];
  readonly calls: Call[] = [];
  /** Candidates whose hub has answered them. */
  readonly served = new Set<string>();
  now = 0;

  constructor() {
    this.openChannel(hubName, (call) => this.calls.push(call as Call));
  }

  readonly after = (delayMs: number, run: () => void) => {
    const timer = { at: this.now + delayMs, run };
    this.timers.add(timer);
    return () => void this.timers.delete(timer);
  };

  /** Stands for the hub. It serves as soon as it is elected, where `serves`. */
  stand(id: string, { hasChannel = true, serves = true } = {}): () => void {
    let endServing = () => {};
    const openChannel = hasChannel ? this.openChannel : null;
    const { locks, after } = this;
    const stop = standForHub({ locks, openChannel, after }, hubName, id, {
      elected: () => {
        this.told.push(`${id} elected`);
        if (!serves) return;
        endServing = this.serve(id);
        this.served.add(id);
      },
      deposed: () => {
        this.told.push(`${id} deposed`);
        endServing();
      },
      isServed: () => this.served.has(id),
    });
    return () => {
      endServing();
      stop();
    };
  }

  /** A hub's code, which answers for as long as nobody ends or freezes it. */
  serve(hubId: string): () => void {
    const channel = this.openChannel(hubName, (call) => {
      if ((call as Call).kind === 'ping') channel.post({ kind: 'up', hubId });
    });
    channel.post({ kind: 'up', hubId });
    return () => channel.close();
  }

  /** Somebody who has the lock, and does not run. */
  async freeze(): Promise<void> {
    await this.locks.hold(lockName);
  }

  /** Lets time pass, and everything happen that is due, in order. */
  async pass(ms: number): Promise<void> {
    const end = this.now + ms;
    await turn();
    for (;;) {
      const [next] = [...this.timers].filter(({ at }) => at <= end).toSorted((a, b) => a.at - b.at);
      if (!next) break;
      this.timers.delete(next);
      this.now = Math.max(this.now, next.at);
      next.run();
      await turn();
    }
    this.now = end;
  }

  /** The computer sleeps: what is due afterwards comes all at once, before any message does. */
  async sleep(ms: number): Promise<void> {
    this.now += ms;
    const due = [...this.timers].filter(({ at }) => at <= this.now);
    for (const timer of due) if (this.timers.delete(timer)) timer.run();
    await turn();
  }

  count(kind: Call['kind']): number {
    return this.calls.filter((call) => call.kind === kind).length;
  }
}

describe('a candidate', () => {
  it('that is alone is elected, and asks for nobody', async () => {
    const field = new Field();
    field.stand('a');
    expect(field.told).toEqual([]);
    await field.pass(60_000);
    expect(field.told).toEqual(['a elected']);
    expect([field.timers.size, field.count('ping')]).toEqual([0, 0]);
  });

  it('waits in line while the hub answers, and is elected once that has gone', async () => {
    const field = new Field();
    const stop = field.stand('a');
    field.stand('b');
    await field.pass(60_000);
    expect(field.told).toEqual(['a elected']);
    stop();
    await field.pass(0);
    expect(field.told).toEqual(['a elected', 'b elected']);
  });

  it('asks for all others, which do not ask then', async () => {
    const field = new Field();
    for (const id of ['hub', 'a', 'b', 'c', 'd', 'e']) field.stand(id);
    await field.pass(60_000);
    expect(field.count('ping')).toBeGreaterThanOrEqual(60_000 / waitMsMax - 1);
    expect(field.count('ping')).toBeLessThanOrEqual(60_000 / (pingAfterMs * (1 - pingSpread)));
    expect(field.told).toEqual(['hub elected']);
  });

  it.each(['a', 'b', 'long-and-random', '0f3c', crypto.randomUUID()])(
    'steals the lock of a hub that does not answer, within bounds: %s',
    async (id) => {
      const field = new Field();
      await field.freeze();
      field.stand(id);
      await field.pass(stealMsMin - 1);
      expect(field.told).toEqual([]);
      await field.pass(stealMsMax - stealMsMin + 1);
      expect(field.told).toEqual([`${id} elected`]);
      expect(field.count('ping')).toBe(pingsMax);
    },
  );

  it('asks and steals for all others, too, which stay in line', async () => {
    const field = new Field();
    await field.freeze();
    for (const id of ['a', 'b', 'c', 'd', 'e']) field.stand(id);
    await field.pass(60_000);
    expect(field.told).toHaveLength(1);
    const asked = field.calls.findIndex(({ kind }) => kind === 'up');
    expect(field.calls.slice(0, asked).map(({ kind }) => kind)).toEqual(Array(pingsMax).fill('ping'));
  });

  it('that asks is not kept from stealing by quicker ones that come and go', async () => {
    const field = new Field();
    await field.freeze();
    // The slowest and the quickest by chance.
    field.stand('patient');
    await field.pass(waitMsMax);
    expect(field.count('ping')).toBe(1);
    while (field.now < stealMsMax) {
      const leave = field.stand('unhurried');
      // Time for one question.
      await field.pass(0.9 * pingAfterMs);
      leave();
    }
    expect(field.told).toEqual(['patient elected']);
  });

  it('that has the lock stolen is told, and is in line again behind the thief', async () => {
    const field = new Field();
    field.stand('victim', { serves: false });
    await field.pass(0);
    // It hears nothing any more: frozen, as its page is.
    field.calls.length = 0;
    field.locks.take(lockName);
    const release = await field.locks.hold(lockName);
    await field.pass(0);
    expect(field.told).toEqual(['victim elected', 'victim deposed']);
    await field.pass(waitMsMax);
    release();
    await field.pass(0);
    expect(field.told.at(-1)).toBe('victim elected');
  });

  it('leaves the lock to one thief where several steal at once', async () => {
    const field = new Field();
    await field.freeze();
    // The same chance in both.
    field.stand('same');
    field.stand('same');
    await field.pass(stealMsMax);
    expect(field.told.filter((each) => each.endsWith('elected')).length).toBeLessThanOrEqual(2);
    const { length } = field.told;
    await field.pass(60_000);
    expect(field.told).toHaveLength(length);
    const sum = field.told.reduce((held, each) => held + (each.endsWith('elected') ? 1 : -1), 0);
    expect([sum, field.locks.held]).toEqual([1, [lockName]]);
  });

  it('steals again only after a while, however many do not answer', async () => {
    const field = new Field();
    await field.freeze();
    field.stand('a', { serves: false });
    await field.pass(stealMsMax);
    expect(field.told).toEqual(['a elected']);
    field.locks.take(lockName);
    await field.freeze();
    await field.pass(stealAgainMs - stealMsMax);
    expect(field.told).toEqual(['a elected', 'a deposed']);
    await field.pass(stealMsMax + waitMsMax);
    expect(field.told).toEqual(['a elected', 'a deposed', 'a elected']);
  });

  it('leaves it to the others to ask and to steal while it may not', async () => {
    const field = new Field();
    await field.freeze();
    // The quicker one of the two.
    field.stand('a', { serves: false });
    await field.pass(stealMsMax);
    field.locks.take(lockName);
    await field.freeze();
    field.stand('long-and-random', { serves: false });
    await field.pass(stealMsMax + waitMsMax);
    expect(field.told).toEqual(['a elected', 'a deposed', 'long-and-random elected']);
  });

  it('does not take a computer that slept for a hub that does not answer', async () => {
    const field = new Field();
    for (const id of ['hub', 'a', 'b']) field.stand(id);
    for (let nights = 0; nights < 10; nights++) {
      await field.sleep(8 * 3_600_000);
      await field.pass(pingAfterMs / 2);
    }
    expect(field.told).toEqual(['hub elected']);
  });

  it.each([1, 2, 3, 4])(
    'that was itself frozen after question %i reads the answer before it steals',
    async (asked) => {
      const field = new Field();
      await field.freeze();
      field.stand('a');
      while (field.count('ping') < asked) await field.pass(10);
      // It goes on after the hub has done so.
      field.serve('thawed');
      await field.sleep(60_000);
      await field.pass(60_000);
      expect(field.told).toEqual([]);
    },
  );

  it('begins to count anew with each answer', async () => {
    const field = new Field();
    await field.freeze();
    field.stand('a');
    for (let count = 0; count < 5; count++) {
      await field.pass(stealMsMin - 1);
      field.serve('late')();
    }
    expect(field.told).toEqual([]);
  });

  it('goes back to the line when the browser has taken its place away, and tells nobody', async () => {
    const field = new Field();
    const { locks } = field;
    const release = await locks.hold(lockName);
    let loses = true;
    let lost = 0;
    const compete = locks.compete.bind(locks);
    locks.compete = (name, rivalry, isSteal) => {
      if (!loses) return compete(name, rivalry, isSteal);
      lost += 1;
      queueMicrotask(rivalry.lost);
      return () => {};
    };
    field.stand('a');
    await field.pass(2 * waitMsMax);
    expect(lost).toBeLessThanOrEqual(4);
    loses = false;
    release();
    await field.pass(waitMsMax);
    expect(field.told).toEqual(['a elected']);
  });

  it('that is elected answers for a hub that is still being started, and no longer', async () => {
    const field = new Field();
    field.stand('a', { serves: false });
    field.stand('b');
    await field.pass(20_000);
    expect(field.told).toEqual(['a elected']);
    expect(field.calls.filter((call) => call.kind === 'up' && call.hubId !== '')).toEqual([]);
    // The hub's code answers its tab, and then nobody any more.
    field.served.add('a');
    await field.pass(stealMsMax);
    expect(field.told.toSorted()).toEqual(['a deposed', 'a elected', 'b elected']);
  });

  it('that has stolen the lock answers on, whatever a former hub says that goes on', async () => {
    const field = new Field();
    const release = await field.locks.hold(lockName);
    field.stand('a', { serves: false });
    await field.pass(stealMsMax);
    expect(field.told).toEqual(['a elected']);
    // Frozen so far, it answers what it was asked, before it hears that it is deposed; so does who had elected it.
    field.serve('former')();
    field.serve('')();
    field.stand('b');
    await field.pass(60_000);
    expect(field.told).toEqual(['a elected']);
    release();
  });

  it('without channels waits in line, asks nobody and steals nothing', async () => {
    const field = new Field();
    const release = await field.locks.hold(lockName);
    field.stand('a', { hasChannel: false });
    await field.pass(60_000);
    expect([field.told, field.timers.size]).toEqual([[], 0]);
    release();
    await field.pass(0);
    expect(field.told).toEqual(['a elected']);
  });
});

describe('a candidate that stops leaves nothing behind, and hears nothing', () => {
  it.each<[string, (field: Field) => Promise<unknown>]>([
    ['at once', async () => {}],
    ['in line', (field) => field.pass(pingAfterMs / 2)],
    ['between pings', (field) => field.pass(2.5 * pingAfterMs)],
    ['as the hub', (field) => field.pass(stealMsMax)],
    [
      'as the hub no more',
      async (field) => {
        await field.pass(stealMsMax);
        field.locks.take(lockName);
        await turn();
      },
    ],
  ])('%s', async (_, until) => {
    const field = new Field();
    const release = await field.locks.hold(lockName);
    const stop = field.stand('a');
    await until(field);
    const { length } = field.told;
    stop();
    expect(field.timers.size).toBe(0);
    release();
    await field.pass(60_000);
    expect(field.told).toHaveLength(length);
    expect([field.timers.size, field.locks.held]).toEqual([0, []]);
    expect(field.openChannel.open.get(hubName)?.size).toBe(1);
  });

  it('from within what it is told', async () => {
    const { locks, openChannel, after, timers } = new Field();
    const stop = standForHub({ locks, openChannel, after }, hubName, 'a', {
      elected: () => stop(),
      deposed() {},
      isServed: () => true,
    });
    await turn();
    expect([locks.held, timers.size]).toEqual([[], 0]);
  });
});
