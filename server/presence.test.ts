import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ServerOptions } from './options.ts';
import { simulatedSession } from './simulated-session.ts';
import { startServer } from './test-kit.ts';
import { defaultLimits } from './limits.ts';
import { MemoryPresence } from './memory-presence.ts';
import type { Leave, PresenceMember } from './presence.ts';
import { newStats } from './stats.ts';
import { VirtualClock } from './virtual-clock.ts';

const identified: ServerOptions = {
  authenticate: ({ token }) => ({ identity: token, presence: { name: token.toUpperCase() } }),
  presence: {},
};

/** A presence on virtual time, and what a watcher of the topic hears. */
function memory(limits: Partial<typeof defaultLimits> = {}) {
  const clock = new VirtualClock();
  const stats = newStats();
  const presence = new MemoryPresence({
    clock,
    stats,
    graceMs: 1_000,
    limits: { ...defaultLimits, ...limits },
  });
  const heard: string[] = [];
  presence.watch('t', ({ joined, left, count }) =>
    heard.push(`${joined ? `+${joined.identity}` : `-${left!.identity}`} ${count}`),
  );
  return { clock, stats, presence, heard };
}

describe('presence', () => {
  it('lists who is subscribed, by identity, with what is public of them', async () => {
    await using running = await startServer(identified);
    const ada = await running.client({ hello: { token: 'ada' } });
    const phone = await running.client({ hello: { token: 'ada', clientId: 'phone' } });
    const bob = await running.client({ hello: { token: 'bob' } });
    for (const client of [ada, phone, bob]) await client.subscribe('t');
    const id = bob.send({ type: 'watch', topic: 't' });
    const since = expect.any(Number);
    const members = [
      { identity: 'ada', since, info: { name: 'ADA' } },
      { identity: 'bob', since, info: { name: 'BOB' } },
    ];
    expect(await bob.one('presence')).toMatchObject({ re: id, topic: 't', payload: { members, count: 2 } });
    expect(await running.server.presence('t')).toEqual({ members, count: 2 });
    expect(await running.server.presence('other')).toEqual({ members: [], count: 0 });
  });

  it('tells who comes', async () => {
    await using running = await startServer(identified);
    const bob = await running.client({ hello: { token: 'bob' } });
    bob.send({ type: 'watch', topic: 't' });
    await bob.one('presence');
    const ada = await running.client({ hello: { token: 'ada' } });
    await ada.subscribe('t');
    expect(await bob.one('presence-change')).toMatchObject({
      topic: 't',
      payload: { joined: { identity: 'ada', info: { name: 'ADA' } }, count: 1 },
    });
    bob.send({ type: 'unwatch', topic: 't' });
    await bob.roundTrip();
    await bob.subscribe('t');
    await bob.roundTrip();
    expect(bob.all('presence-change')).toHaveLength(1);
  });

  it('makes no leave and join of a reconnection', async () => {
    await using running = await startServer(identified);
    const bob = await running.client({ hello: { token: 'bob' } });
    bob.send({ type: 'watch', topic: 't' });
    const ada = await running.client({ hello: { token: 'ada' } });
    await ada.subscribe('t');
    ada.socket.terminate();
    await ada.closed;
    const again = await running.client({ hello: { token: 'ada' } });
    await again.subscribe('t');
    await bob.roundTrip();
    expect(bob.all('presence-change')).toHaveLength(1);
  });

  it('tells a leave after the grace period, and not before', () => {
    const { clock, presence, heard } = memory();
    const leave = presence.enter('t', 'ada', undefined);
    leave(false);
    clock.advance(999);
    presence.enter('t', 'ada', undefined)(false);
    clock.advance(999);
    expect(heard).toEqual(['+ada 1']);
    clock.advance(1);
    expect(heard).toEqual(['+ada 1', '-ada 0']);
  });

  it('counts every device of an identity', () => {
    const { clock, presence, heard } = memory();
    const leaves = [presence.enter('t', 'ada', undefined), presence.enter('t', 'ada', undefined)];
    leaves[0]!(false);
    clock.advance(5_000);
    expect(heard).toEqual(['+ada 1']);
    leaves[1]!(false);
    clock.advance(5_000);
    expect(heard).toEqual(['+ada 1', '-ada 0']);
  });

  it('cuts a list that is too long, and counts on', () => {
    const { presence } = memory({ presenceMembers: 2 });
    for (const identity of ['a', 'b', 'c']) presence.enter('t', identity, undefined);
    expect(presence.list('t')).toMatchObject({ members: [{ identity: 'a' }, { identity: 'b' }], count: 3 });
  });

  it('names the next one of those who were left out when one of those who are named leaves', async () => {
    await using running = await startServer({
      ...identified,
      presence: { graceMs: 1 },
      limits: { presenceMembers: 2 },
    });
    const names = ['ada', 'bob', 'cyd', 'dan'];
    const clients = names.map((token) => running.client({ hello: { token, clientId: token } }));
    const [ada, bob, , dan] = await Promise.all(clients);
    for (const client of await Promise.all(clients)) await client.subscribe('t');
    const eve = await running.client({ hello: { token: 'eve' } });
    eve.send({ type: 'watch', topic: 't' });
    const { payload } = await eve.one('presence');
    expect([payload.members.map(({ identity }) => identity), payload.count]).toEqual([['ada', 'bob'], 4]);
    for (const client of [dan, ada, bob]) {
      client!.send({ type: 'unsubscribe', topic: 't' });
      await client!.roundTrip();
    }
    const changes = await eve.some('presence-change', 3);
    const named = { identity: 'cyd', since: expect.any(Number), info: { name: 'CYD' } };
    expect(changes.map((change) => change.payload)).toEqual([
      { left: expect.objectContaining({ identity: 'dan' }), count: 3 },
      { left: expect.objectContaining({ identity: 'ada' }), named, count: 2 },
      { left: expect.objectContaining({ identity: 'bob' }), count: 1 },
    ]);
  });

  it('tells in its changes all that a new list would name, whoever comes and goes', () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    const steps = fc.array(fc.record({ identity: fc.constantFrom(...names), atOnce: fc.boolean() }), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 4 }), (moves, presenceMembers) => {
        const { clock, presence } = memory({ presenceMembers });
        const known = new Map<string, PresenceMember>();
        presence.watch('t', ({ joined, left, named }) => {
          if (left) known.delete(left.identity);
          for (const member of [joined, named]) {
            if (member && known.size < presenceMembers) known.set(member.identity, member);
          }
        });
        const leaves = new Map<string, Leave>();
        for (const { identity, atOnce } of moves) {
          const leave = leaves.get(identity);
          if (leave) leave(atOnce);
          if (leave) leaves.delete(identity);
          else leaves.set(identity, presence.enter('t', identity, undefined));
          clock.advance(300);
          expect([...known.values()]).toEqual(presence.list('t').members);
        }
      }),
    );
  });

  it('has a bound in all: who is leaving makes room, and then nobody comes in', () => {
    const { presence, stats, heard } = memory({ presences: 2 });
    presence.enter('t', 'a', undefined)(false);
    presence.enter('t', 'b', undefined);
    presence.enter('t', 'c', undefined);
    const missed = presence.enter('t', 'd', undefined);
    missed(false);
    expect(heard).toEqual(['+a 1', '+b 2', '-a 1', '+c 2']);
    expect(stats.presencesMissed).toBe(1);
  });

  it.each([
    [{}, 'room:1', 'no-presence'],
    [{ presence: { topics: ['chat:*'] } }, 'room:1', 'no-presence'],
    [{ presence: {}, authorize: ({ action }) => action !== 'presence' }, 'room:1', 'forbidden'],
    [{ presence: {}, limits: { maxPresences: 1 } }, 'room:2', 'limit'],
  ] satisfies [ServerOptions, string, string][])(
    'with %j is refused for %s as %s',
    async (options, topic, code) => {
      await using running = await startServer(options);
      const client = await running.client({ hello: {} });
      client.send({ type: 'watch', topic: 'room:1' });
      const id = client.send({ type: 'watch', topic });
      await client.roundTrip();
      expect(client.all('error').find(({ re }) => re === id)).toMatchObject({ topic, payload: { code } });
    },
  );

  it('waits with the list for a hub that comes back, until those who were there before a restart can be back', () => {
    const { receive, clock, sent } = simulatedSession({ presence: { graceMs: 1_000 } });
    receive({ type: 'watch', topic: 't', resumes: true });
    receive({ type: 'watch', topic: 'u' });
    clock.advance(999);
    expect(sent.filter(({ type }) => type === 'presence')).toMatchObject([{ topic: 'u' }]);
    receive({ type: 'subscribe', topic: 't' });
    clock.advance(1);
    expect(sent.filter(({ type }) => type === 'presence')).toMatchObject([
      { topic: 'u' },
      { topic: 't', payload: { count: 1 } },
    ]);
    expect(sent.filter(({ type }) => type === 'presence-change')).toEqual([]);
  });

  it('gives a connection that is behind a new list in place of changes', () => {
    const { receive, clock, sent, socket, session, context } = simulatedSession({ presence: {} });
    receive({ type: 'watch', topic: 't' });
    clock.advance(0);
    socket.bufferedAmount = context.limits.bufferedBytes;
    const { store } = context.presence!;
    for (const identity of ['a', 'b', 'c']) store.enter('t', identity, undefined);
    clock.advance(0);
    const news = () => sent.filter(({ type }) => type.startsWith('presence')).slice(1);
    expect(news()).toEqual([]);
    socket.bufferedAmount = 0;
    session.drained();
    clock.advance(0);
    expect(news()).toMatchObject([{ type: 'presence', payload: { count: 3 } }]);
    store.enter('t', 'd', undefined);
    clock.advance(0);
    expect(news()[1]).toMatchObject({ type: 'presence-change', payload: { count: 4 } });
  });

  it('needs public information that is small', async () => {
    await using running = await startServer({
      authenticate: () => ({ identity: 'ada', presence: 'x'.repeat(1_025) }),
    });
    const client = await running.client();
    client.sendHello({ token: 'x' });
    expect(await client.closed).toMatchObject({ code: 1013 });
  });
});
