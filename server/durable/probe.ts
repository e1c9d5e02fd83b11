import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { storageFailed } from './storage-failed.ts';

const script = `
  const [lmdb, path] = process.argv.slice(1);
  const db = require(lmdb).open({ path, encoding: 'binary', noSubdir: false, readOnly: true });
  for (const { value } of db.getRange({})) value.length;
`;

/**
 * Reads the whole store in a process of its own first: LMDB trusts its pages, and a damaged one can end the process
 * that reads it with a signal. Where no process can be started, the store is opened without that.
 *
 * @throws ConnectionError `storage-failed`
 */
export async function probeStore(dir: string): Promise<void> {
  if (!existsSync(join(dir, 'data.mdb'))) return;
  const lmdb = createRequire(import.meta.url).resolve('lmdb');
  const { NODE_OPTIONS: _, ...env } = process.env;
  const error = await new Promise<Error | null>((resolve) => {
    execFile(process.execPath, ['-e', script, lmdb, dir], { env }, resolve);
  }).catch((reason: unknown) => reason as Error);
  // A code that is a text, such as ENOENT, says that there was no process.
  if (!error || typeof (error as NodeJS.ErrnoException).code === 'string') return;
  throw storageFailed(`the store in ${dir} is damaged: restore it, or move it away to begin anew`, error);
}
