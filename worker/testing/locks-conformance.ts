import { competeCases } from './locks-conformance-compete.ts';
import { roundTrip, watch, type LocksCase } from './locks-conformance-kit.ts';
import { equal, recorder } from './recorder.ts';

const holdCases: readonly LocksCase[] = [
  {
    name: 'gives a lock to one holder at a time, in the order of asking',
    run: async (test) => {
      const [name, log] = [test.newName(), recorder()];
      const release = await test.locks.hold(name);
      const holders = ['second', 'third'].map(async (who) => {
        const releaseOwn = await test.locks.hold(name);
        log.note(who);
        await roundTrip(test);
        log.note(`${who} ends`);
        releaseOwn();
      });
      await roundTrip(test);
      log.note('first ends');
      release();
      await Promise.all(holders);
      equal(log.seen, ['first ends', 'second', 'second ends', 'third', 'third ends']);
    },
  },
  {
    name: 'keeps locks of other names apart',
    run: async ({ locks, newName }) => {
      const release = await locks.hold(newName());
      (await locks.hold(newName()))();
      release();
    },
  },
  {
    name: 'releases only its own hold, however often it is told to',
    run: async (test) => {
      const [name, log] = [test.newName(), recorder()];
      const releaseFirst = await test.locks.hold(name);
      releaseFirst();
      releaseFirst();
      const releaseSecond = await test.locks.hold(name);
      releaseFirst();
      watch(test, name, log, 'free');
      await roundTrip(test);
      log.note('second ends');
      releaseSecond();
      await log.until('free');
      equal(log.seen, ['second ends', 'free']);
    },
  },
];

const watchCases: readonly LocksCase[] = [
  {
    name: 'tells of a lock that nobody holds',
    run: async (test) => {
      const log = recorder();
      watch(test, test.newName(), log, 'free');
      await log.until('free');
    },
  },
  {
    name: 'tells everybody who waits once the lock is released, each once, and not before',
    run: async (test) => {
      const [name, log] = [test.newName(), recorder()];
      const release = await test.locks.hold(name);
      watch(test, name, log, 'a');
      watch(test, name, log, 'b');
      await roundTrip(test);
      log.note('released');
      release();
      await Promise.all([log.until('a'), log.until('b')]);
      await roundTrip(test);
      equal([log.seen[0]!, ...log.seen.slice(1).toSorted()], ['released', 'a', 'b']);
    },
  },
  {
    name: 'takes nothing by the telling: the lock can be held at once',
    run: async (test) => {
      const [name, log] = [test.newName(), recorder()];
      watch(test, name, log, 'free');
      await log.until('free');
      (await test.locks.hold(name))();
    },
  },
  {
    name: 'tells nothing to whom has ended the waiting, before or after the lock is free',
    run: async (test) => {
      const [name, log] = [test.newName(), recorder()];
      const release = await test.locks.hold(name);
      const unwatch = watch(test, name, log, 'ended');
      watch(test, name, log, 'other');
      unwatch();
      release();
      await log.until('other');
      unwatch();
      watch(test, test.newName(), log, 'ended at once')();
      await roundTrip(test);
      equal(log.seen, ['other']);
    },
  },
  {
    name: 'lets a new holder in front of nobody who waited before, and none who ended the waiting holds it up',
    run: async (test) => {
      const [name, log] = [test.newName(), recorder()];
      const release = await test.locks.hold(name);
      watch(test, name, log, 'ended')();
      watch(test, name, log, 'free');
      const holding = test.locks.hold(name);
      release();
      await log.until('free');
      (await holding)();
      equal(log.seen, ['free']);
    },
  },
];

const deathCases: readonly LocksCase[] = [
  {
    name: 'is released by the death of its holder',
    run: async (test) => {
      const [name, log] = [test.newName(), recorder()];
      const kill = await test.holdElsewhere(name);
      watch(test, name, log, 'free');
      await roundTrip(test);
      log.note('killed');
      kill();
      await log.until('free');
      equal(log.seen, ['killed', 'free']);
    },
  },
  {
    name: 'goes to the next in line when its holder dies',
    run: async (test) => {
      const [name, log] = [test.newName(), recorder()];
      const kill = await test.holdElsewhere(name);
      const holding = test.locks.hold(name).then((release) => {
        log.note('held');
        release();
      });
      await roundTrip(test);
      log.note('killed');
      kill();
      await holding;
      equal(log.seen, ['killed', 'held']);
    },
  },
];

/** What every adapter of `Locks` must do, the simulation's included: cases that any test runner can run. */
export const locksConformance: readonly LocksCase[] = [
  ...holdCases,
  ...watchCases,
  ...deathCases,
  ...competeCases,
];
