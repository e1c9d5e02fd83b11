import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { realpathSync, rmSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as durableLimits from './limits.ts';
import { storageFailed } from './storage-failed.ts';

/**
 * Says to other processes that the directory is in use, by a socket that listens: Node has no file locks, the
 * number of a process says nothing across containers, and a socket is deaf as soon as its process is dead.
 * Two processes that start in the same instant can both get it. The store settles that: it belongs to the last.
 *
 * @returns what releases the directory
 * @throws ConnectionError `storage-failed` while another process has it
 */
export async function lockDirectory(dir: string): Promise<() => void> {
  const path = socketPath(realpathSync(dir));
  if (await answers(path))
    throw storageFailed(`${dir} is in use by another process: a directory has one server at a time`);
  const server = await listen(path);
  return () => {
    server.close();
  };
}

function socketPath(dir: string): string {
  const hash = createHash('sha256').update(dir).digest('hex').slice(0, 32);
  if (process.platform === 'win32') return `\\\\.\\pipe\\onesocket-${hash}`;
  const inside = join(dir, 'lock.sock');
  return Buffer.byteLength(inside) <= durableLimits.socketPathBytes
    ? inside
    : join(tmpdir(), `onesocket-${hash}.sock`);
}

async function answers(path: string): Promise<boolean> {
  const socket = connect(path);
  const signal = AbortSignal.timeout(durableLimits.ownerAnswerMs);
  try {
    await once(socket, 'connect', { signal });
    return true;
  } catch {
    // A process too busy to answer is alive.
    return signal.aborted;
  } finally {
    socket.destroy();
  }
}

async function listen(path: string): Promise<Server> {
  if (process.platform !== 'win32') rmSync(path, { force: true });
  const server = createServer((socket) => socket.destroy());
  server.unref();
  try {
    server.listen(path);
    await once(server, 'listening');
    return server;
  } catch (reason) {
    throw storageFailed(`cannot lock the directory by a socket at ${path}`, reason);
  }
}
