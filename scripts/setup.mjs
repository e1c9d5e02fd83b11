// Prepares this folder for tests: npm packages and a Chromium. Safe to run as often as one likes.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { pathToFileURL } from 'node:url';
import { browserFile, findChromium, findPlaywrightChromium, findSystemChromium } from './browser.mjs';
import { ensurePackages } from './packages.mjs';
import { run, tool } from './run.mjs';

const downloadTimeoutMs = 120_000;
const aptTimeoutMs = 600_000;

const download = async () => {
  console.log("Downloading Playwright's Chromium ...");
  const { code } = await run(tool('playwright'), ['install', 'chromium'], { timeoutMs: downloadTimeoutMs });
  if (code !== 0) console.log(`  no: ${code === 124 ? 'it took too long' : 'the download failed'}`);
  return findPlaywrightChromium();
};

const installWithApt = async () => {
  if (!existsSync('/etc/debian_version') || process.getuid?.() !== 0) return undefined;
  console.log('Installing the chromium package with apt ...');
  const options = { env: { DEBIAN_FRONTEND: 'noninteractive' }, timeoutMs: aptTimeoutMs };
  await run('apt-get', ['update'], options);
  const { code, output } = await run(
    'apt-get',
    ['install', '-y', '--no-install-recommends', 'chromium'],
    options,
  );
  if (code !== 0) console.log(output.split('\n').slice(-5).join('\n'));
  return findSystemChromium();
};

const record = (chromium) => {
  mkdirSync(dirname(browserFile), { recursive: true });
  writeFileSync(browserFile, `${JSON.stringify({ chromium }, null, 2)}\n`);
};

/** Finds a Chromium, or gets one. Resolves with its path, or undefined. */
export const ensureChromium = async () => {
  if (process.env.ONESOCKET_CHROMIUM) {
    const chosen = findChromium();
    if (chosen === undefined) console.log('ONESOCKET_CHROMIUM names no file');
    return chosen;
  }
  if (existsSync(browserFile) && findChromium() !== undefined) return findChromium();
  const chromium =
    findPlaywrightChromium() ?? (await download()) ?? findSystemChromium() ?? (await installWithApt());
  if (chromium !== undefined) record(chromium);
  return chromium;
};

/** Packages first, then the browser. */
export const setup = async ({ needsBrowser = true } = {}) => {
  if (!(await ensurePackages())) return { isReady: false, chromium: undefined };
  const chromium = needsBrowser ? await ensureChromium() : undefined;
  if (needsBrowser) console.log(chromium ? `Browser: ${chromium}` : 'Browser: none found');
  return { isReady: true, chromium };
};

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { isReady, chromium } = await setup();
  process.exitCode = isReady && chromium ? 0 : 1;
}
