import type { OpenChannel } from '../channel.ts';
import { equal, recorder } from './recorder.ts';

/** What the adapter's own test brings along. */
interface ChannelUnderTest {
  readonly openChannel: OpenChannel;
  /** A name that no other case uses. */
  newName(): string;
  /** Opens an end in another thread or page, which posts back each text that it hears, with `echo of ` before it. */
  echoElsewhere(name: string): Promise<void>;
}

/** One rule. */
export interface ChannelCase {
  /** A sentence in the present tense. */
  readonly name: string;
  readonly run: (test: ChannelUnderTest) => Promise<void>;
}

/** An end that notes what it hears under a name. */
function end({ openChannel }: ChannelUnderTest, name: string, log: ReturnType<typeof recorder>, as: string) {
  return openChannel(name, (message) => log.note(`${as}: ${JSON.stringify(message)}`));
}

/** What every adapter of {@link OpenChannel} must do, the simulation's included: cases that any test runner can run. */
export const channelConformance: readonly ChannelCase[] = [
  {
    name: 'brings what one end posts to all others, in order, and not in the same turn',
    run: async (test) => {
      const [name, log] = [test.newName(), recorder()];
      const [a, b, c] = ['a', 'b', 'c'].map((as) => end(test, name, log, as));
      a!.post(1);
      a!.post(2);
      log.note('posted');
      await Promise.all([log.until('b: 2'), log.until('c: 2')]);
      b!.post(3);
      await Promise.all([log.until('a: 3'), log.until('c: 3')]);
      equal(log.seen.slice(0, 1), ['posted']);
      const heardBy = (who: string) => log.seen.filter((each) => each.startsWith(who));
      equal(heardBy('a'), ['a: 3']);
      equal(heardBy('b'), ['b: 1', 'b: 2']);
      equal(heardBy('c'), ['c: 1', 'c: 2', 'c: 3']);
      for (const each of [a!, b!, c!]) each.close();
    },
  },
  {
    name: 'keeps channels of other names apart',
    run: async (test) => {
      const [name, log] = [test.newName(), recorder()];
      const ends = [
        end(test, name, log, 'a'),
        end(test, test.newName(), log, 'other'),
        end(test, name, log, 'b'),
      ];
      ends[0]!.post(1);
      await log.until('b: 1');
      equal(log.seen, ['b: 1']);
      for (const each of ends) each.close();
    },
  },
  {
    name: 'brings a copy, bytes included, as the message was when it was posted',
    run: async (test) => {
      const name = test.newName();
      const message = { text: 'before', bytes: new Uint8Array([1, 2]).buffer };
      const heard = new Promise<typeof message>((resolve) => {
        test.openChannel(name, (copy) => resolve(copy as typeof message));
      });
      const from = test.openChannel(name, () => {});
      from.post(message);
      message.text = 'after';
      new Uint8Array(message.bytes)[0] = 9;
      const { text, bytes } = await heard;
      equal([text, ...Array.from(new Uint8Array(bytes), String)], ['before', '1', '2']);
    },
  },
  {
    name: 'throws where a message cannot be copied, and goes on',
    run: async (test) => {
      const [name, log] = [test.newName(), recorder()];
      const [a] = [end(test, name, log, 'a'), end(test, name, log, 'b')];
      try {
        a.post(() => {});
        log.note('nothing thrown');
      } catch (cause) {
        log.note((cause as Error).name);
      }
      a.post(1);
      await log.until('b: 1');
      equal(log.seen, ['DataCloneError', 'b: 1']);
    },
  },
  {
    name: 'brings nothing to or from an end that has been closed',
    run: async (test) => {
      const [name, log] = [test.newName(), recorder()];
      const [a, b, c] = ['a', 'b', 'c'].map((as) => end(test, name, log, as));
      a!.post(1);
      b!.close();
      b!.close();
      b!.post(2);
      await log.until('c: 1');
      c!.post(3);
      await log.until('a: 3');
      equal(log.seen, ['c: 1', 'a: 3']);
      a!.close();
      c!.close();
    },
  },
  {
    name: 'reaches ends elsewhere, and is reached by them',
    run: async (test) => {
      const [name, log] = [test.newName(), recorder()];
      await test.echoElsewhere(name);
      const here = end(test, name, log, 'here');
      here.post('one');
      here.post('two');
      await log.until('here: "echo of two"');
      equal(log.seen, ['here: "echo of one"', 'here: "echo of two"']);
      here.close();
    },
  },
];
