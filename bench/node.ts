import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startServerProcess } from '../demo/backend/server-process.ts';
import type { CrowdCommand, NodeCommand, NodeMemory, Peer } from './contract.ts';

const timeoutMs = 3 * 60 * 1000;
/** Between two looks whether those who left are gone. */
const lookMs = 50;

/** A fresh server process with one side, and a process with the connections to it. */
export interface Node extends AsyncDisposable {
  /** Adds connections until there are so many. */
  gather(count: number): Promise<void>;
  /** Ends all connections. Settles when the server has noticed. */
  leave(): Promise<void>;
  /**
   * Publishes so many messages, one in each `everyMs` milliseconds, or all in one turn. Settles with the milliseconds until
   * the last connection has the last of them.
   */
  emit(count: number, everyMs?: number): Promise<number>;
  /** Lets each connection publish so many. Settles with the milliseconds until all are acknowledged. */
  publish(count: number, window: number): Promise<number>;
  memory(): Promise<NodeMemory>;
  /** Milliseconds of CPU that the server has used so far. */
  cpuMs(): Promise<number>;
}

/** Starts both processes. */
export async function openNode(peer: Peer): Promise<Node> {
  const server = await startServerProcess({
    entry: fileURLToPath(new URL('node-server.ts', import.meta.url)),
    args: [peer],
  });
  const crowd = await startServerProcess({ entry: fileURLToPath(new URL('crowd.ts', import.meta.url)) });
  const askServer = (command: NodeCommand) => server.request(command, timeoutMs);
  const ask = (command: CrowdCommand) => crowd.request(command, timeoutMs);
  const memory = async () => (await askServer({ kind: 'memory' })) as NodeMemory;
  return {
    memory,
    gather: async (count) => void (await ask({ kind: 'gather', peer, port: server.port, count })),
    async leave() {
      await ask({ kind: 'leave' });
      while ((await memory()).connections > 0) await delay(lookMs);
    },
    async emit(count, everyMs = 0) {
      await ask({ kind: 'listen', mark: `"n":${count},` });
      const startedAt = (await askServer({ kind: 'emit', count, everyMs })) as number;
      return Math.max(1, ((await ask({ kind: 'heard' })) as number) - startedAt);
    },
    publish: async (count, window) => (await ask({ kind: 'publish', peer, count, window })) as number,
    cpuMs: async () => (await askServer({ kind: 'cpu' })) as number,
    async [Symbol.asyncDispose]() {
      await crowd.kill();
      await server.kill();
    },
  };
}
