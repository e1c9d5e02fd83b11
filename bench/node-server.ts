import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serveParent } from '../demo/backend/parent-channel.ts';
import type { NodeCommand, Peer } from './contract.ts';
import { heldMemory } from './memory.ts';
import { sidesOf } from './node-sides.ts';

// A server with one side alone, in a process of its own, so that what the process holds is the cost of that side.

const http = createHttpServer();
const side = sidesOf[process.argv[2] as Peer](http);

/** 100 bytes of JSON, as a price tick has. */
const message = (n: number) => ({
  n,
  symbol: 'ACME',
  price: 101.25 + (n % 100) / 100,
  size: 300,
  side: 'buy',
  exchange: 'XETR',
  at: 1_700_000_000_000 + n,
});

/** Answers when the first is out: how late the others are is what is measured. */
function emit(count: number, everyMs: number): number {
  const startedAt = Date.now();
  let sent = 0;
  const sendDue = () => {
    const due = everyMs > 0 ? Math.floor((Date.now() - startedAt) / everyMs) + 1 : count;
    while (sent < Math.min(due, count)) side.sendToAll(message((sent += 1)));
    if (sent === count) clearInterval(timer);
  };
  const timer = setInterval(sendDue, everyMs);
  sendDue();
  return startedAt;
}

http.listen(0, '127.0.0.1', () => {
  serveParent((http.address() as AddressInfo).port, async (asked) => {
    const command = asked as NodeCommand;
    if (command.kind === 'emit') return emit(command.count, command.everyMs);
    if (command.kind === 'memory') return { connections: side.connections(), ...(await heldMemory()) };
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  });
});
