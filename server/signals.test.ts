import { describe, expect, it } from 'vitest';
import { simulatedSession } from './simulated-session.ts';
import { startServer } from './test-kit.ts';

const signal = (value: unknown, topic = 't') => ({ type: 'signal', id: 'g1', topic, payload: { value } });

describe('a signal', () => {
  it('reaches all who are subscribed, and only its sender with its id', async () => {
    await using running = await startServer({ authenticate: ({ token }) => ({ identity: token }) });
    const [ada, bob, outside] = await Promise.all(
      ['ada', 'bob', 'eve'].map((token) => running.client({ hello: { token } })),
    );
    await ada!.subscribe('t');
    await bob!.subscribe('t');
    ada!.send(signal({ typing: true }));
    const payload = { identity: 'ada', value: { typing: true } };
    const heard = await bob!.one('signal');
    expect(heard).toMatchObject({ topic: 't', payload });
    expect(heard).not.toHaveProperty('re');
    expect(await ada!.one('signal')).toMatchObject({ re: 'g1', topic: 't', payload });
    await outside!.roundTrip();
    expect(outside!.all('signal')).toEqual([]);
  });

  it('touches no history', async () => {
    await using running = await startServer();
    const client = await running.client({ hello: {} });
    await client.subscribe('t');
    client.send(signal(1));
    await client.one('signal');
    expect(await client.subscribe('t', { replay: 10 })).toMatchObject({ head: 0 });
    expect(running.server.stats()).toMatchObject({ published: 0, accepted: 0, signals: 1, signalsSent: 1 });
  });

  it.each([
    ['that is not allowed', signal(1, 'secret'), 'forbidden'],
    ['that is too large', signal('ü'.repeat(512)), 'too-large'],
  ])('%s is refused, counted, and heard by nobody', async (_which, sent, code) => {
    await using running = await startServer({
      authorize: ({ topic, action }) => action !== 'signal' || topic === 't',
    });
    const client = await running.client({ hello: {} });
    await client.subscribe('t');
    await client.subscribe('secret');
    client.send(sent);
    expect(await client.one('error')).toMatchObject({ re: 'g1', topic: sent.topic, payload: { code } });
    await client.roundTrip();
    expect(client.all('signal')).toEqual([]);
    expect(running.server.stats().signalsDropped).toBe(1);
  });

  it('in bytes is a violation', async () => {
    await using running = await startServer();
    const client = await running.client({ hello: {} });
    client.sendBytes({ type: 'signal', topic: 't' }, new Uint8Array(1));
    expect(await client.closed).toMatchObject({ code: 4400 });
  });

  it('is dropped and counted for a connection whose buffer is full', () => {
    const { receive, clock, sent, socket, context } = simulatedSession();
    receive({ type: 'subscribe', topic: 't' });
    clock.advance(0);
    socket.bufferedAmount = context.limits.bufferedBytes;
    receive(signal(1));
    clock.advance(0);
    expect(context.stats).toMatchObject({ signalsDropped: 1, signalsSent: 0 });
    socket.bufferedAmount = 0;
    receive(signal(2));
    clock.advance(0);
    expect(sent.filter(({ type }) => type === 'signal')).toMatchObject([{ payload: { value: 2 } }]);
  });

  it('is one of a bounded number in a turn', () => {
    const { receive, clock, sent, context } = simulatedSession({ limits: { pendingSignals: 3 } });
    receive({ type: 'subscribe', topic: 't' });
    clock.advance(0);
    for (let value = 1; value <= 5; value += 1) receive(signal(value));
    clock.advance(0);
    receive(signal(6));
    clock.advance(0);
    const values = sent.flatMap((envelope) => (envelope.type === 'signal' ? [envelope.payload.value] : []));
    expect(values).toEqual([1, 2, 3, 6]);
    expect(context.stats.signalsDropped).toBe(2);
  });
});
