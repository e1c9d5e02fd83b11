import { closeSync, existsSync, fstatSync, ftruncateSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { storageFailed } from './storage-failed.ts';

// LMDB 0.9 with 64-bit transaction ids in page headers, as the package `lmdb` builds it: two meta pages in front.
const magic = 0xbeef_c0de;
const magicAt = 24;
const pageSizeAt = 48;
const lastPageAt = 144;
const metaBytes = 160;
const pageSizes: readonly number[] = [4096, 8192, 16_384, 32_768, 65_536];

/**
 * Looks at the data file before LMDB maps it into memory: a wrong header, or pages that are not there, would end
 * the process with a signal instead of an error.
 */
export function checkDataFile(dir: string): void {
  const path = join(dir, 'data.mdb');
  if (!existsSync(path)) return;
  const file = openSync(path, 'r+');
  try {
    const { size } = fstatSync(file);
    // LMDB begins anew with an empty file: a process that was killed while it made the file leaves one.
    if (size === 0) return;
    const first = metaAt(file, 0);
    const second = first && metaAt(file, first.pageSize);
    if (!first || !second)
      throw storageFailed(`${path} is damaged: restore it, or move it away to begin anew`);
    const pages = Math.max(first.lastPage, second.lastPage) + 1;
    // Pages at the end need not have been written yet. Empty ones are read as an error, missing ones are SIGBUS.
    if (size < pages * first.pageSize) ftruncateSync(file, pages * first.pageSize);
  } finally {
    closeSync(file);
  }
}

function metaAt(file: number, at: number): { pageSize: number; lastPage: number } | undefined {
  const meta = Buffer.alloc(metaBytes);
  if (readSync(file, meta, 0, metaBytes, at) < metaBytes) return undefined;
  const pageSize = meta.readUInt32LE(pageSizeAt);
  const lastPage = Number(meta.readBigUInt64LE(lastPageAt));
  const isSane = meta.readUInt32LE(magicAt) === magic && pageSizes.includes(pageSize);
  return isSane && Number.isSafeInteger(lastPage) ? { pageSize, lastPage } : undefined;
}
