import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { describe, expect, it, vi } from 'vitest';
import { createContext } from '../context.ts';
import { Session } from '../session.ts';
import { simulatedSession } from '../simulated-session.ts';
import { recordingLogger, startServer } from '../test-kit.ts';
import { VirtualClock } from '../virtual-clock.ts';

vi.setConfig({ testTimeout: 30_000 });

const seqs = (count: number) => Array.from({ length: count }, (_, index) => index + 1);
const publishes = (first: number, count: number) =>
  seqs(count).map((n) => ({ type: 'publish', topic: 't', seq: first + n - 1, payload: n }));

describe('messages above the rate', () => {
  it('pause reading, and all arrive once and in order', async () => {
    await using running = await startServer({ limits: { messagesPerSecond: 1000, messageBurst: 50 } });
    const client = await running.client({ hello: {} });
    const sent: number[] = [];
    for (let first = 1; first <= 400; first += 50) {
      client.send(...publishes(first, 50));
      sent.push(...seqs(50));
    }
    await client.until(() => client.all('ack').some(({ seq }) => seq === 400));
    const reader = await running.client({ hello: { clientId: 'reader' } });
    await reader.subscribe('t', { replay: 400 });
    const payloads = (await reader.some('message', 400)).map(({ payload }) => payload);
    expect(payloads).toEqual(sent);
    const { limitsHit, pauses } = running.server.stats();
    expect(limitsHit.messages).toBeGreaterThan(0);
    expect(limitsHit).toMatchObject({ flood: 0, strikes: 0 });
    expect(pauses).toBeGreaterThan(0);
    expect(running.logger.lines.some((line) => line.includes('"limit":"messages"'))).toBe(true);
  });

  it('are counted also where one takes less than a microsecond', () => {
    const limits = { messagesPerSecond: 4_000_000, messageBurst: 100 };
    const { context, receive } = simulatedSession({ limits });
    for (let n = 0; n < 200; n++) receive({ type: 'ping' });
    expect(context.stats.limitsHit.messages).toBeGreaterThan(0);
  });

  it('hold back nobody else', async () => {
    await using running = await startServer({ limits: { messagesPerSecond: 1, messageBurst: 10 } });
    const greedy = await running.client({ hello: { clientId: 'greedy' } });
    greedy.send(...publishes(1, 500));
    await expect.poll(() => running.server.stats().limitsHit.messages, { timeout: 10_000 }).toBe(1);
    greedy.send({ type: 'ping' });
    const other = await running.client({ hello: { clientId: 'other' } });
    await other.publish('t', 1);
    expect(greedy.all('pong')).toEqual([]);
  });
});

describe('bytes above the rate', () => {
  it('pause reading, and all arrive', async () => {
    await using running = await startServer({ limits: { bytesPerSecond: 1e6, byteBurst: 10_000 } });
    const client = await running.client({ hello: {} });
    for (const seq of seqs(20))
      client.send({ type: 'publish', topic: 't', seq, payload: 'x'.repeat(10_000) });
    await client.until(() => client.all('ack').some(({ seq }) => seq === 20));
    expect(running.server.stats().limitsHit.bytes).toBeGreaterThan(0);
    expect(running.logger.lines.some((line) => line.includes('"limit":"bytes"'))).toBe(true);
  });
});

describe('a full outbox that is flushed after a reconnection', () => {
  it('is taken by the default limits without a pause', async () => {
    await using running = await startServer();
    const client = await running.client({ hello: {} });
    // The hub's own default: 10,000 entries, with no more than a window of them without an acknowledgement.
    for (let first = 1; first <= 10_000; first += 1000) await client.publish('t', first, 1000);
    expect(running.server.stats()).toMatchObject({
      accepted: 10_000,
      limitsHit: { messages: 0, controls: 0 },
    });
  });

  it('is never punished, however long it takes at a small rate', () => {
    const limits = {
      messagesPerSecond: 10,
      messageBurst: 10,
      bytesPerSecond: 1000,
      byteBurst: 1000,
      floodMs: 1000,
    };
    const { context, clock, closes, receive, sent } = simulatedSession({ limits });
    let acked = 0;
    for (let seq = 1; seq <= 5000; seq++) {
      receive({ type: 'publish', topic: 't', seq, payload: 'x'.repeat(100) });
      if (seq % 100 === 0) clock.advance(1000);
    }
    clock.advance(1000);
    for (const envelope of sent) if (envelope.type === 'ack') acked = envelope.seq;
    expect(acked).toBe(5000);
    expect(closes).toEqual([]);
    expect(context.stats.limitsHit).toMatchObject({ flood: 0, strikes: 0 });
    expect(context.stats.limitsHit.messages).toBeGreaterThan(4000);
  });
});

describe('control envelopes above the rate', () => {
  const limits = { controlsPerSecond: 10, controlBurst: 20, floodMs: 1000, strikes: 4 };

  it('pause reading, and are no violation where they are few', () => {
    const { context, clock, closes, receive } = simulatedSession({ limits });
    for (let n = 0; n < 200; n++) {
      receive({ type: 'ping' });
      clock.advance(200);
    }
    for (let n = 0; n < 25; n++) receive({ type: 'ping' });
    clock.advance(5000);
    receive({ type: 'ping' });
    expect(context.stats.limitsHit.controls).toBeGreaterThan(0);
    expect(context.stats.limitsHit.flood).toBe(0);
    expect(closes).toEqual([]);
  });

  it('that do not stop are a flood, which ends in a ban', () => {
    const { context, session, clock, closes, receive } = simulatedSession({ limits });
    for (let n = 0; closes.length === 0 && n < 10_000; n++) {
      receive({ type: 'ping' });
      clock.advance(10);
    }
    // Two floods of two points each, a second apart; without an identity and an address there is nobody to ban.
    expect(closes).toEqual([]);
    expect(context.stats.limitsHit.flood).toBeGreaterThan(2);
    session.closed();
  });

  it('that come as pings of the WebSocket protocol count, too', async () => {
    await using running = await startServer({ limits: { controlsPerSecond: 100, controlBurst: 10 } });
    const client = await running.client({ hello: {} });
    for (let n = 0; n < 50; n++) client.socket.ping();
    await client.roundTrip();
    expect(running.server.stats().limitsHit.controls).toBeGreaterThan(0);
  });

  it('over a real socket are closed 4429, and the address is banned', async () => {
    await using running = await startServer({ limits: { ...limits, controlsPerSecond: 1000, floodMs: 20 } });
    const client = await running.client({ hello: {} });
    const pings = Array.from({ length: 500 }, () => ({ type: 'ping' }));
    while (client.socket.readyState === WebSocket.OPEN) {
      client.send(...pings);
      await sleep(1);
    }
    expect((await client.closed).code).toBe(4429);
    expect(running.server.stats().limitsHit).toMatchObject({ flood: 2, strikes: 1 });
  });
});

it('a peer that only sends pings and reads nothing is not read from any more', () => {
  const clock = new VirtualClock();
  const pauses: string[] = [];
  const context = createContext({ logger: recordingLogger() }, { clock, randomId: () => 'id' });
  const nothing = () => undefined;
  const socket = {
    bufferedAmount: context.limits.bufferedBytes,
    sendText: nothing,
    sendBinary: nothing,
    ping: nothing,
    close: nothing,
    terminate: nothing,
    pause: () => void pauses.push('pause'),
    resume: () => void pauses.push('resume'),
  };
  const session = new Session(context, socket, { headers: {}, remoteAddress: undefined, url: '/' });
  session.alive(125);
  expect(pauses).toEqual(['pause']);
  socket.bufferedAmount = 0;
  session.drained();
  expect(pauses).toEqual(['pause', 'resume']);
  session.closed();
  clock.advance(0);
  expect(clock.pending).toBe(0);
});
