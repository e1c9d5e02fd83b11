import { describe, expect, it } from 'vitest';
import type { TabItem, TabOp } from '../worker/core/hub-api.ts';
import { failure } from './failure.ts';
import { createPresences } from './presence.ts';
import type { ConnectionError } from './protocol/errors.ts';
import * as protocolLimits from './protocol/limits.ts';
import { partsWorld } from './testing/parts-world.ts';
import type { Presence } from './types.ts';

type ChangeItem = Extract<TabItem, { kind: 'presence-change' }>;

const member = (identity: string) => ({ identity, since: 5 });
/** A list with these identities, of `count` who are there. */
const listOf = (identities: readonly string[], count = identities.length, watch = 1) =>
  ({ kind: 'presence', watch, members: identities.map(member), count }) as const;
const changeOf = (change: Omit<ChangeItem, 'kind' | 'watch'>): ChangeItem => ({
  kind: 'presence-change',
  watch: 1,
  ...change,
});
const ended = (code: 'forbidden' | 'queue-full', message = 'no') =>
  ({ kind: 'presence-ended', watch: 1, error: { code, message, retryable: false } }) as const;

function tab() {
  const pushed: TabOp[] = [];
  let end: ConnectionError | null = null;
  const presences = createPresences({
    world: partsWorld,
    push: (op) => void pushed.push(op),
    ended: () => end,
  });
  const close = (error: ConnectionError) => {
    end = error;
    presences.end(error);
  };
  return { presences, pushed, close };
}

/** A list of a tab, and what its handlers are told: `+` joins, `-` leaves, `!` ends. */
function follow() {
  const { presences, pushed, close } = tab();
  const list = presences.presence('t');
  return { presences, pushed, close, list, told: toldOf(list) };
}

function toldOf(list: Presence): string[] {
  const told: string[] = [];
  list.onJoin(({ identity }) => told.push(`+${identity}`));
  list.onLeave(({ identity }) => told.push(`-${identity}`));
  list.onEnd(({ code, message }) => told.push(`!${code}: ${message}`));
  return told;
}

const identities = ({ members }: Presence) => members.map(({ identity }) => identity);

describe('a presence list', () => {
  it('is asked for under a number of its own, and ready with what is there', async () => {
    const { presences, pushed } = tab();
    const [first, second] = [presences.presence('t'), presences.presence('t')];
    expect(pushed).toEqual([
      { kind: 'watch', watch: 1, topic: 't', resumes: false },
      { kind: 'watch', watch: 2, topic: 't', resumes: false },
    ]);
    expect([first.topic, first.members, first.count]).toEqual(['t', [], 0]);
    const told = toldOf(second);
    for (const watch of [2, 99]) presences.tell(listOf(['ada', 'bob'], 2, watch));
    await second.ready;
    expect([identities(first), identities(second), second.count]).toEqual([[], ['ada', 'bob'], 2]);
    expect(told).toEqual([]);
  });

  it('tells each change, and has it done by then', () => {
    const { presences, list } = follow();
    presences.tell(listOf(['ada']));
    const seen: unknown[] = [];
    for (const on of [list.onJoin, list.onLeave]) on(() => seen.push([identities(list), list.count]));
    presences.tell(changeOf({ joined: member('bob'), count: 2 }));
    presences.tell(changeOf({ left: member('ada'), count: 1 }));
    expect(seen).toEqual([
      [['ada', 'bob'], 2],
      [['bob'], 1],
    ]);
  });

  it('tells what a new one says otherwise than the last one, and nothing of those who stay', () => {
    const { presences, list, told } = follow();
    presences.tell(listOf(['ada', 'bob']));
    presences.tell(listOf(['bob', 'cyd']));
    expect(told).toEqual(['-ada', '+cyd']);
    expect(identities(list)).toEqual(['bob', 'cyd']);
    presences.tell(listOf(['bob', 'cyd']));
    presences.tell(listOf([]));
    expect(told).toEqual(['-ada', '+cyd', '-bob', '-cyd']);
  });

  it('tells nobody twice who stands in the list already', () => {
    const { presences, told } = follow();
    presences.tell(listOf(['ada']));
    presences.tell(changeOf({ joined: member('ada'), count: 1 }));
    expect(told).toEqual([]);
  });

  it('gives copies of its members', () => {
    const { presences, list } = follow();
    presences.tell(listOf(['ada']));
    (list.members as unknown[]).pop();
    expect(identities(list)).toEqual(['ada']);
  });

  it('tells a handler nothing after it was taken back', () => {
    const { presences, list } = follow();
    presences.tell(listOf([]));
    const joins: string[] = [];
    list.onJoin(({ identity }) => joins.push(identity))();
    presences.tell(changeOf({ joined: member('ada'), count: 1 }));
    expect(joins).toEqual([]);
  });

  it.each([
    ['nothing', ''],
    ['too much', 't'.repeat(protocolLimits.topicLength + 1)],
  ])('is refused for a topic with %s in it', (_, topic) => {
    const { presences, pushed } = tab();
    expect(() => presences.presence(topic)).toThrow(expect.objectContaining({ code: 'invalid-option' }));
    expect([pushed, presences.resume()]).toEqual([[], []]);
  });
});

describe('a list that is cut', () => {
  it('tells changes of those whom it does not name, and how many there are', () => {
    const { presences, list, told } = follow();
    presences.tell(listOf(['ada', 'bob'], 5));
    presences.tell(changeOf({ left: member('eve'), count: 4 }));
    expect(told).toEqual(['-eve']);
    expect([identities(list), list.count]).toEqual([['ada', 'bob'], 4]);
  });

  it('names the next one when one of those whom it names leaves, and tells no join of that', () => {
    const { presences, list, told } = follow();
    presences.tell(listOf(['ada', 'bob'], 3));
    const named: string[][] = [];
    list.onLeave(() => named.push(identities(list)));
    presences.tell(changeOf({ left: member('ada'), named: member('cyd'), count: 2 }));
    expect([identities(list), list.count, told]).toEqual([['bob', 'cyd'], 2, ['-ada']]);
    expect(named).toEqual([['bob', 'cyd']]);
    presences.tell(changeOf({ left: member('cyd'), count: 1 }));
    expect(told).toEqual(['-ada', '-cyd']);
  });

  it('says nothing of those whom it does not name', () => {
    const { presences, told } = follow();
    presences.tell(listOf(['ada', 'bob', 'cyd']));
    // Bob and Cyd may be among the three that are left out.
    presences.tell(listOf(['ada', 'dan'], 5));
    expect(told).toEqual(['+dan']);
  });

  it('makes nobody new who may have been left out of it', () => {
    const { presences, told } = follow();
    presences.tell(listOf(['ada', 'bob'], 4));
    presences.tell(listOf(['bob', 'cyd', 'dan']));
    expect(told).toEqual(['-ada']);
  });

  it('tells nothing between two that are both cut', () => {
    const { presences, told } = follow();
    presences.tell(listOf(['ada', 'bob'], 4));
    presences.tell(listOf(['cyd', 'dan'], 4));
    expect(told).toEqual([]);
  });

  it('names no more than the bound, and tells of those who come after', () => {
    const { presences, list, told } = follow();
    const many = Array.from({ length: protocolLimits.members }, (_, index) => `id ${index}`);
    presences.tell(listOf(many));
    presences.tell(changeOf({ joined: member('late'), count: many.length + 1 }));
    expect([list.members.length, list.count, told]).toEqual([many.length, many.length + 1, ['+late']]);
  });
});

describe('after the death of a hub, a list', () => {
  it('keeps what it says, and tells what has changed meanwhile', () => {
    const { presences, list, told } = follow();
    presences.tell(listOf(['ada', 'bob']));
    expect(presences.resume()).toEqual([{ kind: 'watch', watch: 1, topic: 't', resumes: true }]);
    expect([identities(list), told]).toEqual([['ada', 'bob'], []]);
    presences.tell(listOf(['ada', 'cyd']));
    expect(told).toEqual(['-bob', '+cyd']);
  });

  it('that had not come yet is the first one at the next', async () => {
    const { presences, list, told } = follow();
    expect(presences.resume()).toEqual([{ kind: 'watch', watch: 1, topic: 't', resumes: false }]);
    presences.tell(listOf(['ada']));
    await list.ready;
    expect(told).toEqual([]);
  });
});

describe('the end of a list', () => {
  it('by a refusal rejects `ready`, is told, and asks the next hub for nothing', async () => {
    const { presences, list, told, pushed } = follow();
    presences.tell(ended('queue-full'));
    await expect(list.ready).rejects.toMatchObject({ name: 'ConnectionError', code: 'queue-full' });
    expect([told, presences.resume(), pushed.length]).toEqual([['!queue-full: no'], [], 1]);
  });

  it('by a revocation is told after `ready` has resolved, once, with the reason, and is the last thing told', async () => {
    const { presences, list, told } = follow();
    presences.tell(listOf(['ada']));
    presences.tell(ended('forbidden', 'you have left'));
    presences.tell(ended('forbidden', 'again'));
    presences.tell(changeOf({ joined: member('bob'), count: 2 }));
    await list.ready;
    expect([told, identities(list)]).toEqual([['!forbidden: you have left'], ['ada']]);
  });

  it('by the app is told to the hub, and to no handler', async () => {
    const { presences, list, told, pushed } = follow();
    list.close();
    presences.tell(listOf(['ada']));
    await expect(list.ready).rejects.toMatchObject({ code: 'closed' });
    expect([told, list.members, presences.resume()]).toEqual([[], [], []]);
    expect(pushed.at(-1)).toEqual({ kind: 'unwatch', watch: 1 });
  });

  it('comes with the tab, for those to come as well', async () => {
    const { presences, list, told, close } = follow();
    close(failure('host-unavailable', 'no hub'));
    for (const each of [list, presences.presence('t')]) {
      await expect(each.ready).rejects.toMatchObject({ code: 'host-unavailable' });
    }
    expect([told, presences.resume()]).toEqual([['!host-unavailable: no hub'], []]);
  });
});
