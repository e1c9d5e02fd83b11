import { describe, expect, it } from 'vitest';
import type { Backbone, WatchResult } from './backbone.ts';
import type { AuthorizeAnswer, AuthorizeQuestion } from './hooks.ts';
import { createDeferred } from './deferred.ts';
import { MemoryBackbone } from './memory-backbone.ts';
import type { ServerOptions } from './options.ts';
import { simulatedSession } from './simulated-session.ts';
import { startServer } from './test-kit.ts';

/** A session whose `authorize` answers what a test says, and remembers what it was asked. */
function guardedSession(options: ServerOptions = {}) {
  const asked: string[] = [];
  let answer: () => AuthorizeAnswer | Promise<AuthorizeAnswer> = () => true;
  const authorize = ({ action, topic }: AuthorizeQuestion) => {
    asked.push(`${action} ${topic}`);
    return answer();
  };
  const simulated = simulatedSession({ authorize, presence: {}, ...options });
  return {
    ...simulated,
    asked,
    answers: (next: typeof answer) => (answer = next),
    async settle(ms = 0) {
      simulated.clock.advance(ms);
      for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
      simulated.clock.advance(0);
    },
    of: (type: string) => simulated.sent.filter((envelope) => envelope.type === type),
  };
}

const publish = (seq: number) => ({ type: 'publish', topic: 't', seq, payload: 1 });

describe('authorize', () => {
  it('is asked about every subscribe, publish, request, presence list and signal', async () => {
    const { receive, asked, settle } = guardedSession({ requests: { sum: () => 1 } });
    receive({ type: 'subscribe', topic: 't' });
    receive(publish(1));
    receive({ type: 'request', method: 'sum', payload: 1, timeoutMs: 0 });
    receive({ type: 'watch', topic: 't' });
    receive({ type: 'signal', topic: 't', payload: { value: 1 } });
    await settle();
    expect(asked).toEqual(['subscribe t', 'publish t', 'request sum', 'presence t', 'signal t']);
  });

  it('is asked again each time after a plain boolean', () => {
    const { receive, asked } = guardedSession();
    receive(publish(1));
    receive(publish(2));
    expect(asked).toEqual(['publish t', 'publish t']);
  });

  it.each([true, false])('is not asked again while an answer %s with a ttlMs holds', async (isAllowed) => {
    const { receive, asked, answers, settle } = guardedSession();
    answers(() => ({ allow: isAllowed, ttlMs: 1_000 }));
    receive(publish(1));
    await settle(999);
    receive(publish(2));
    expect(asked).toHaveLength(1);
    await settle(1);
    receive(publish(3));
    expect(asked).toHaveLength(2);
  });

  it('is asked again about the oldest of too many cached answers', () => {
    const { receive, asked, answers } = guardedSession({ limits: { cachedAnswers: 2 } });
    answers(() => ({ allow: true, ttlMs: 1_000 }));
    for (const [index, topic] of ['a', 'b', 'c', 'b', 'a'].entries()) {
      receive({ type: 'publish', topic, seq: index + 1, payload: 1 });
    }
    expect(asked).toEqual(['publish a', 'publish b', 'publish c', 'publish a']);
  });

  it.each([undefined, null, 1, 'yes', {}, { allow: 1, ttlMs: 1 }])('says no with %j', (wrong) => {
    const { receive, answers, clock, of } = guardedSession();
    answers(() => wrong as never);
    receive(publish(1));
    clock.advance(0);
    expect(of('nack')).toMatchObject([{ payload: { code: 'forbidden' } }]);
  });

  it('is asked again about a live subscription when its answer has expired, and a no ends it', async () => {
    const { receive, asked, answers, settle, of, context } = guardedSession();
    answers(() => ({ allow: true, ttlMs: 2_000 }));
    receive({ type: 'subscribe', topic: 't' });
    receive({ type: 'watch', topic: 't' });
    await settle(1_999);
    expect(asked).toHaveLength(2);
    await settle(1);
    expect(asked).toHaveLength(4);
    expect(of('revoked')).toEqual([]);
    answers(() => false);
    await settle(2_000);
    expect(of('revoked')).toMatchObject([
      { topic: 't', what: 'subscribe', payload: { reason: 'not allowed any more' } },
      { topic: 't', what: 'presence' },
    ]);
    expect(context.stats).toMatchObject({ subscriptions: 0, revoked: 2 });
    await settle(60_000);
    expect(asked).toHaveLength(6);
  });

  it('is asked again about a live subscription after grantMs where it said true', async () => {
    const { receive, asked, settle } = guardedSession({ limits: { grantMs: 5_000 } });
    receive({ type: 'subscribe', topic: 't' });
    await settle(4_999);
    expect(asked).toHaveLength(1);
    await settle(1);
    expect(asked).toHaveLength(2);
  });

  it('that fails does not end a live subscription at once, but after some tries', async () => {
    const { receive, asked, answers, settle, of } = guardedSession({ limits: { grantMs: 5_000 } });
    receive({ type: 'subscribe', topic: 't' });
    answers(() => Promise.reject(new Error('the database is away')));
    await settle(5_000);
    await settle(10_000);
    expect(of('revoked')).toEqual([]);
    expect(asked).toHaveLength(3);
    await settle(10_000);
    expect(of('revoked')).toHaveLength(1);
  });

  it('says for the new claims what it says after a new token', async () => {
    const claims: unknown[] = [];
    await using running = await startServer({
      authenticate: ({ token }) => ({ identity: 'ada', claims: token }),
      authorize: (question) => {
        claims.push(question.claims);
        return { allow: question.claims === 'good', ttlMs: 60_000 };
      },
    });
    const client = await running.client({ hello: { token: 'good' } });
    await client.subscribe('t');
    await client.publish('t', 1);
    client.send({ type: 'auth', payload: { token: 'bad' } });
    expect(await client.one('revoked')).toMatchObject({ topic: 't', what: 'subscribe' });
    client.send(publish(2));
    expect(await client.one('nack')).toMatchObject({ seq: 2, payload: { code: 'forbidden' } });
    expect(claims).toEqual(['good', 'good', 'bad', 'bad']);
  });
});

describe('revoke', () => {
  const members = () => {
    const allowed = new Set(['ada', 'bob']);
    const options: ServerOptions = {
      authenticate: ({ token }) => ({ identity: token }),
      authorize: ({ identity }) => ({ allow: allowed.has(identity), ttlMs: 60_000 }),
      presence: {},
    };
    return { allowed, options };
  };

  it('ends what is not allowed any more, with a reason, for one identity and on every device', async () => {
    const { allowed, options } = members();
    await using running = await startServer(options);
    const [ada, phone, bob] = [
      await running.client({ hello: { token: 'ada' } }),
      await running.client({ hello: { token: 'ada', clientId: 'phone' } }),
      await running.client({ hello: { token: 'bob' } }),
    ];
    for (const client of [ada, phone, bob]) await client.subscribe('room:1');
    await ada.subscribe('room:2');
    allowed.delete('ada');
    const reason = 'You have left the room.';
    expect(await running.server.revoke({ identity: 'ada', topic: 'room:1', reason })).toBe(2);
    for (const client of [ada, phone]) {
      expect(await client.one('revoked')).toMatchObject({ topic: 'room:1', payload: { reason } });
    }
    await running.server.publish('room:1', 'secret');
    await bob.one('message');
    for (const client of [ada, phone, bob]) await client.roundTrip();
    expect([ada, phone].flatMap((client) => client.all('message'))).toEqual([]);
    expect(bob.all('revoked')).toEqual([]);
    // What was not meant goes on, and so does its cached answer.
    await running.server.publish('room:2', 'still');
    expect(await ada.one('message')).toMatchObject({ topic: 'room:2' });
    expect(await running.server.revoke({ identity: 'ada', pattern: 'room:*' })).toBe(1);
    expect(await ada.one('revoked', 1)).toMatchObject({ topic: 'room:2' });
  });

  it('drops cached answers, and leaves alone what is still allowed', async () => {
    const { allowed, options } = members();
    await using running = await startServer(options);
    const ada = await running.client({ hello: { token: 'ada' } });
    await ada.subscribe('t');
    await ada.publish('t', 1);
    expect(await running.server.revoke({ identity: 'ada' })).toBe(0);
    await ada.publish('t', 2);
    allowed.delete('ada');
    await ada.publish('t', 3);
    expect(ada.all('nack')).toEqual([]);
    await running.server.revoke({ identity: 'ada' });
    await ada.publish('t', 4);
    expect(ada.all('nack')).toMatchObject([{ seq: 4, payload: { code: 'forbidden' } }]);
  });

  it('makes nothing of an answer that was on its way', async () => {
    const answers = [createDeferred<boolean>(), createDeferred<boolean>()];
    const asked = [createDeferred(), createDeferred()];
    let count = 0;
    await using running = await startServer({
      authorize: () => {
        asked[count]!.resolve();
        return answers[count++]!.promise;
      },
    });
    const client = await running.client({ hello: {} });
    client.send({ type: 'subscribe', topic: 't' });
    await asked[0]!.promise;
    await running.server.revoke({ identity: 'anonymous' });
    answers[0]!.resolve(true);
    await asked[1]!.promise;
    answers[1]!.resolve(false);
    expect(await client.one('error')).toMatchObject({ topic: 't', payload: { code: 'forbidden' } });
    expect(client.all('subscribed')).toEqual([]);
  });

  it('refuses a subscribe that still waits for its topic', async () => {
    const watching = createDeferred();
    const topicIsOpen = createDeferred<WatchResult>();
    const backbone: Backbone = new MemoryBackbone();
    backbone.watch = () => {
      watching.resolve();
      return topicIsOpen.promise;
    };
    const { allowed, options } = members();
    await using running = await startServer({ ...options, backbone });
    const ada = await running.client({ hello: { token: 'ada' } });
    const id = ada.send({ type: 'subscribe', topic: 't' });
    await watching.promise;
    allowed.delete('ada');
    expect(await running.server.revoke({ identity: 'ada', reason: 'out' })).toBe(1);
    topicIsOpen.resolve({ kind: 'watching', stop() {} });
    const payload = { code: 'forbidden', message: 'out' };
    expect(await ada.one('error')).toMatchObject({ re: id, topic: 't', payload });
    await ada.roundTrip();
    expect([ada.all('revoked'), ada.all('subscribed')]).toEqual([[], []]);
  });

  it('takes somebody out of the presence at once', async () => {
    const { allowed, options } = members();
    await using running = await startServer(options);
    const ada = await running.client({ hello: { token: 'ada' } });
    await ada.subscribe('t');
    expect(await running.server.presence('t')).toMatchObject({ count: 1 });
    allowed.delete('ada');
    await running.server.revoke({ identity: 'ada' });
    expect(await running.server.presence('t')).toEqual({ members: [], count: 0 });
  });

  it.each([{}, { identity: 'a', topic: 't', pattern: 't' }, { identity: 'a', pattern: 'a**b' }])(
    'refuses %j',
    async (wrong) => {
      await using running = await startServer();
      await expect(running.server.revoke(wrong as never)).rejects.toMatchObject({ code: 'invalid-option' });
    },
  );
});
