import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** A server on a file backbone, in a process of its own. */
export interface ServerProcess {
  readonly child: ChildProcess;
  readonly port: number;
}

/**
 * Starts `crash-server.ts` for a test.
 *
 * @param fileBlocks - The largest file that the process may write, in blocks of 1,024 bytes: as on a full disk.
 */
export async function startProcess(dir: string, fileBlocks?: number): Promise<ServerProcess> {
  const script = fileURLToPath(new URL('./crash-server.ts', import.meta.url));
  const limit = fileBlocks === undefined ? '' : `ulimit -f ${fileBlocks};`;
  const command = `${limit} exec node --import tsx "$0" "$1"`;
  const child = spawn('bash', ['-c', command, script, dir], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return { child, port: Number(line.toString()) };
}
