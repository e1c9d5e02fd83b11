import { WebSocket } from 'ws';
import { describe, expect, it } from 'vitest';
import { DueQueue } from './due-queue.ts';
import { Liveness } from './liveness.ts';
import { startServer, TestClient } from './test-kit.ts';
import { VirtualClock } from './virtual-clock.ts';

interface Events {
  isDeaf(): boolean;
  ping(): void;
  dead(): void;
}

/** Hands on what liveness asks and says. */
class Watched extends Liveness {
  readonly context: Liveness['context'];
  readonly #events: Events;

  constructor(context: Liveness['context'], events: Events) {
    super();
    this.context = context;
    this.#events = events;
  }

  override watch(): void {
    super.watch();
  }

  override heard(): void {
    super.heard();
  }

  end(): void {
    this.unwatch();
  }

  protected isDeaf(): boolean {
    return this.#events.isDeaf();
  }

  protected ping(): void {
    this.#events.ping();
  }

  protected dead(): void {
    this.#events.dead();
  }
}

function watch({ isDeaf = (): boolean => false, heartbeatMs = 100, timeoutMs = 30 } = {}) {
  const clock = new VirtualClock();
  const events: string[] = [];
  const start = clock.now();
  const note = (event: string) => () => void events.push(`${event} ${clock.now() - start}`);
  const context = { dues: new DueQueue(clock), heartbeatMs, limits: { heartbeatTimeoutMs: timeoutMs } };
  const liveness = new Watched(context, { isDeaf, ping: note('ping'), dead: note('dead') });
  liveness.watch();
  return { clock, events, liveness };
}

describe('liveness', () => {
  it('pings a silent peer, and finds it dead when it stays silent', () => {
    const { clock, events } = watch();
    clock.advance(1000);
    expect(events).toEqual(['ping 100', 'dead 130']);
    expect(clock.pending).toBe(0);
  });

  it('pings in time where the time of day is set back', () => {
    const { clock, events } = watch();
    clock.advance(60);
    clock.correct(-3_600_000);
    clock.advance(40);
    expect(events).toHaveLength(1);
  });

  it('counts silence from what was heard last', () => {
    const { clock, events, liveness } = watch();
    clock.advance(60);
    liveness.heard();
    clock.advance(99);
    expect(events).toEqual([]);
    clock.advance(1);
    expect(events).toEqual(['ping 160']);
  });

  it('goes on after an answer', () => {
    const { clock, events, liveness } = watch();
    clock.advance(110);
    liveness.heard();
    clock.advance(99);
    expect(events).toEqual(['ping 100']);
    clock.advance(200);
    expect(events.length).toBe(3);
  });

  it('keeps to the heartbeat where an answer may take longer', () => {
    const { clock, events, liveness } = watch({ heartbeatMs: 100, timeoutMs: 1000 });
    for (const atMs of [100, 200, 300]) {
      clock.advance(100);
      expect(events.at(-1)).toBe(`ping ${atMs}`);
      liveness.heard();
    }
    clock.advance(1000);
    expect(events).toHaveLength(4);
    clock.advance(100);
    expect(events.slice(3)).toEqual(['ping 400', 'dead 1400']);
  });

  it('blames nobody for silence while the server does not read', () => {
    const { clock, events } = watch({ isDeaf: () => true });
    clock.advance(1000);
    expect(events).toEqual([]);
  });

  it('does nothing after its end', () => {
    const { clock, events, liveness } = watch();
    liveness.end();
    clock.advance(1000);
    expect([events, clock.pending]).toEqual([[], 0]);
  });
});

describe('a server', () => {
  it('ends a peer that answers no ping, and keeps one that does', async () => {
    await using running = await startServer({ heartbeatMs: 50, limits: { heartbeatTimeoutMs: 500 } });
    const url = `ws://127.0.0.1:${running.port}/realtime`;
    const dead = new TestClient(new WebSocket(url, 'onesocket.v1', { autoPong: false }));
    await new Promise((resolve) => dead.socket.on('open', resolve));
    await dead.hello({ clientId: 'dead' });
    const alive = await running.client({ hello: { clientId: 'alive' } });
    expect((await dead.closed).code).toBe(4411);
    await alive.roundTrip();
    expect(running.server.stats()).toMatchObject({ dead: 1, connections: 1 });
  });

  it('answers a ping envelope with a pong', async () => {
    await using running = await startServer();
    const client = await running.client({ hello: {} });
    const id = client.send({ type: 'ping' });
    expect((await client.one('pong')).re).toBe(id);
    client.send({ type: 'pong', re: 'x' });
    await client.roundTrip();
  });
});
