import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { PlainHub } from '../testing/plain-hub.ts';

const script = fileURLToPath(new URL('./rolling-server.ts', import.meta.url));
const drainMs = 400;

/** A server process, and its port as soon as it has the directory. */
function start(dir: string): { readonly child: ChildProcess; readonly port: Promise<number> } {
  const child = spawn('node', ['--import', 'tsx', script, dir, `${drainMs}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const port = once(child.stdout!, 'data').then(([line]) => Number((line as Buffer).toString()));
  return { child, port };
}

it('a rolling restart of servers on one directory, under load, loses and doubles nothing', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'onesocket-rolling-'));
  let current = start(dir);
  let port = await current.port;
  const clientIds = ['a', 'b', 'c', 'd', 'e', 'f'];
  const hubs = clientIds.map(
    (clientId) => new PlainHub({ port: () => port, clientId, topic: 'all', load: 8 }),
  );
  const progress = async () => {
    const before = hubs.map(({ acked }) => acked);
    await expect
      .poll(() => hubs.every(({ acked }, index) => acked >= before[index]! + 50), { timeout: 20_000 })
      .toBe(true);
  };
  try {
    for (let restart = 0; restart < 4; restart++) {
      await progress();
      // The next one starts while this one works, and takes over when it has gone.
      const next = start(dir);
      const ended = once(current.child, 'exit');
      current.child.kill('SIGTERM');
      port = await next.port;
      expect(await ended).toEqual([0, null]);
      current = next;
    }
    await progress();
    for (const hub of hubs) hub.stop();
    await expect.poll(() => hubs.every(({ isSettled }) => isSettled), { timeout: 20_000 }).toBe(true);
    const total = hubs.reduce((sum, { acked }) => sum + acked, 0);
    await expect
      .poll(() => hubs.every(({ received }) => received.length >= total), { timeout: 20_000 })
      .toBe(true);
    expect(hubs.flatMap(({ faults }) => faults)).toEqual([]);
    expect(hubs.every(({ goaways }) => goaways === 4)).toBe(true);
    const [first] = hubs;
    for (const { received } of hubs) expect(received).toEqual(first!.received);
    expect(first!.received).toHaveLength(total);
    for (const clientId of clientIds) {
      const numbers = first!.received.filter((message) => message.clientId === clientId).map(({ n }) => n);
      expect(numbers).toEqual(numbers.map((_, index) => index + 1));
    }
  } finally {
    for (const hub of hubs) hub.end();
    current.child.kill('SIGKILL');
    await rm(dir, { recursive: true, force: true });
  }
}, 120_000);
