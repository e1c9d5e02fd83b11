import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { root, run } from './run.mjs';

const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';

const packagesIn = (lockFile) => {
  try {
    return JSON.parse(readFileSync(resolve(root, lockFile), 'utf8')).packages;
  } catch {
    return undefined;
  }
};

/** Whether node_modules holds what package-lock.json names; npm notes in a hidden lock file what it installed. */
const isUpToDate = () => {
  const installed = packagesIn('node_modules/.package-lock.json');
  if (installed === undefined) return false;
  return Object.entries(packagesIn('package-lock.json') ?? {}).every(
    ([path, { version, optional }]) => path === '' || optional || installed[path]?.version === version,
  );
};

/** Installs what package-lock.json names, unless node_modules has it already. Resolves with whether it is there. */
export const ensurePackages = async () => {
  if (isUpToDate()) return true;
  console.log('Installing the npm packages ...');
  const env = { PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD: '1' };
  const { code } = await run(npm, ['ci', '--no-audit', '--no-fund', '--prefer-offline'], { env, show: true });
  return code === 0;
};
