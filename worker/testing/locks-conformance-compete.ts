import { roundTrip, watch, type LocksCase, type LocksUnderTest } from './locks-conformance-kit.ts';
import { equal, recorder } from './recorder.ts';

/** Competes for the lock, and notes under a name what it hears. */
function compete(
  { locks }: LocksUnderTest,
  name: string,
  log: ReturnType<typeof recorder>,
  as: string,
  isSteal?: boolean,
): () => void {
  const note = (what: string) => () => log.note(`${as} ${what}`);
  return locks.compete(name, { taken: note('has it'), lost: note('lost it') }, isSteal);
}

/** What `Locks.compete` must do. */
export const competeCases: readonly LocksCase[] = [
  {
    name: 'goes to those who compete in the order of asking, with those who hold it, and never in the same turn',
    run: async (test) => {
      const [name, log] = [test.newName(), recorder()];
      const release = await test.locks.hold(name);
      const leaveA = compete(test, name, log, 'a');
      const holding = test.locks.hold(name);
      compete(test, name, log, 'b');
      await roundTrip(test);
      log.note('released');
      release();
      log.note('in the same turn');
      await log.until('a has it');
      leaveA();
      const releaseSecond = await holding;
      log.note('held');
      releaseSecond();
      await log.until('b has it');
      equal(log.seen, ['released', 'in the same turn', 'a has it', 'held', 'b has it']);
    },
  },
  {
    name: 'passes over those who have left the line, and calls them no more',
    run: async (test) => {
      const [name, log] = [test.newName(), recorder()];
      const release = await test.locks.hold(name);
      const leave = compete(test, name, log, 'gone');
      compete(test, name, log, 'other');
      await roundTrip(test);
      leave();
      leave();
      release();
      await log.until('other has it');
      await roundTrip(test);
      equal(log.seen, ['other has it']);
    },
  },
  {
    name: 'is released at once where somebody leaves before it is held',
    run: async (test) => {
      const [name, log] = [test.newName(), recorder()];
      compete(test, name, log, 'one')();
      compete(test, name, log, 'thief', true)();
      (await test.locks.hold(name))();
      equal(log.seen, []);
    },
  },
  {
    name: 'is stolen from who competed for it, who hears of it, in front of those in line',
    run: async (test) => {
      const [name, log] = [test.newName(), recorder()];
      compete(test, name, log, 'victim');
      await log.until('victim has it');
      compete(test, name, log, 'next');
      await roundTrip(test);
      const leave = compete(test, name, log, 'thief', true);
      await Promise.all([log.until('thief has it'), log.until('victim lost it')]);
      await roundTrip(test);
      equal(log.seen.toSorted(), ['thief has it', 'victim has it', 'victim lost it']);
      leave();
      await log.until('next has it');
    },
  },
  {
    name: 'is stolen from who holds it, whose release is nothing then',
    run: async (test) => {
      const [name, log] = [test.newName(), recorder()];
      const release = await test.locks.hold(name);
      compete(test, name, log, 'thief', true);
      await log.until('thief has it');
      release();
      watch(test, name, log, 'free');
      await roundTrip(test);
      equal(log.seen, ['thief has it']);
    },
  },
  {
    name: 'is had by a thief where nobody has it, and stolen from a thief',
    run: async (test) => {
      const [name, log] = [test.newName(), recorder()];
      compete(test, name, log, 'first', true);
      await log.until('first has it');
      compete(test, name, log, 'second', true);
      await Promise.all([log.until('second has it'), log.until('first lost it')]);
    },
  },
  {
    name: 'tells nothing to whom has released it, even if it is stolen in the same turn',
    run: async (test) => {
      const [name, log] = [test.newName(), recorder()];
      const leave = compete(test, name, log, 'first');
      await log.until('first has it');
      compete(test, name, log, 'thief', true);
      leave();
      await log.until('thief has it');
      await roundTrip(test);
      equal(log.seen, ['first has it', 'thief has it']);
    },
  },
  {
    name: 'goes to the next competitor when its holder dies',
    run: async (test) => {
      const [name, log] = [test.newName(), recorder()];
      const kill = await test.holdElsewhere(name);
      compete(test, name, log, 'heir');
      await roundTrip(test);
      log.note('killed');
      kill();
      await log.until('heir has it');
      equal(log.seen, ['killed', 'heir has it']);
    },
  },
  {
    name: 'is stolen from a holder elsewhere',
    run: async (test) => {
      const [name, log] = [test.newName(), recorder()];
      await test.holdElsewhere(name);
      compete(test, name, log, 'thief', true);
      await log.until('thief has it');
    },
  },
];
