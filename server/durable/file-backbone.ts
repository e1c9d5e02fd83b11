import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { ConnectionError } from '../../src/protocol/errors.ts';
import type { Backbone } from '../backbone.ts';
import type { ClientBounds } from '../client-records.ts';
import { systemClock, type Clock } from '../clock.ts';
import { defaultLimits } from '../limits.ts';
import type { TopicBounds } from '../topic-store.ts';
import { checkDataFile } from './data-file.ts';
import { lockDirectory } from './directory-lock.ts';
import { DurableBackbone } from './durable-backbone.ts';
import { LmdbStore } from './lmdb-store.ts';
import { probeStore } from './probe.ts';
import type { RecordStore } from './record-store.ts';
import { storageFailed } from './storage-failed.ts';

/** Options of {@link fileBackbone}. */
export interface FileBackboneOptions {
  /** Bounds, those of `defaultLimits` where not given. Histories are in memory as well, within these. */
  readonly limits?: Partial<TopicBounds & ClientBounds>;
  /** Default: the clock of the machine. */
  readonly clock?: Clock;
  /** Makes the epochs of topics. Default: random UUIDs. */
  readonly randomId?: () => string;
}

/**
 * Opens a backbone that keeps histories and client records in a directory, which is made where it is missing.
 * What it has answered survives the end of the process and a loss of power. One process at a time may use
 * a directory, and it has to be on a local disk. Needs the package `lmdb`, which the app installs. Close it after
 * the server: `await server.close(); await backbone.close()`.
 *
 * @throws ConnectionError `storage-failed` (`lmdb` is not installed; the directory is in use, damaged, written
 * by a newer version, or not to be written)
 * @example
 * const backbone = await fileBackbone('./data');
 * const server = createServer({ backbone });
 */
export async function fileBackbone(dir: string, options: FileBackboneOptions = {}): Promise<Backbone> {
  const { clock = systemClock, randomId = randomUUID, limits } = options;
  const { store, release } = await openDirectory(dir);
  try {
    const bounds = { ...defaultLimits, ...limits };
    return new DurableBackbone(store, { bounds, clock, randomId, closed: release });
  } catch (reason) {
    await store.close();
    release();
    throw inDirectory(dir, reason);
  }
}

/** Opens the store of a directory, and keeps other processes out. */
export async function openDirectory(
  dir: string,
): Promise<{ readonly store: RecordStore; readonly release: () => void }> {
  const { open } = await loadLmdb();
  let release: (() => void) | undefined;
  try {
    mkdirSync(dir, { recursive: true });
    release = await lockDirectory(dir);
    checkDataFile(dir);
    await probeStore(dir);
    const db = open<Buffer, string | (string | number)[]>({ path: dir, encoding: 'binary', noSubdir: false });
    return { store: new LmdbStore(db), release };
  } catch (reason) {
    release?.();
    throw inDirectory(dir, reason);
  }
}

const inDirectory = (dir: string, reason: unknown): unknown => {
  const text = reason instanceof Error ? reason.message : String(reason);
  const isSaid = reason instanceof ConnectionError && text.includes(dir);
  return isSaid ? reason : storageFailed(`cannot use ${dir}: ${text}`, reason);
};

async function loadLmdb() {
  try {
    return await import('lmdb');
  } catch (reason) {
    const isMissing = (reason as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND';
    const message = isMissing
      ? 'fileBackbone needs the package lmdb: npm install lmdb'
      : `the package lmdb, which fileBackbone needs, cannot be loaded: ${String(reason)}`;
    throw storageFailed(message, reason);
  }
}
