// Prepares this folder for tests: npm packages, browsers and services. Safe to run as often as one likes.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  browserFile,
  findChromium,
  findFirefox,
  findNginx,
  findOnSystem,
  findPlaywrights,
  findWebKit,
} from './browser.mjs';
import { ensurePackages } from './packages.mjs';
import { isCI, run, tool } from './run.mjs';

const downloadTimeoutMs = 120_000;
const aptTimeoutMs = 600_000;

/** `find` gives what the tests start, `apt` is what Debian calls it, and `platforms` where it exists. */
const programs = {
  chromium: { title: 'Chromium', find: findChromium, apt: ['chromium'], isDownloadable: true },
  firefox: { title: 'Firefox', find: findFirefox, apt: ['firefox-esr'], isDownloadable: true },
  webkit: {
    title: 'WebKitGTK',
    find: () => findWebKit()?.browser,
    apt: ['webkit2gtk-driver', 'xvfb'],
    isDownloadable: false,
    platforms: ['linux'],
  },
  nginx: {
    title: 'nginx',
    find: findNginx,
    apt: ['nginx-light', 'openssl'],
    isDownloadable: false,
    platforms: ['linux'],
  },
};

/** All programs that tests need. */
const programNames = Object.keys(programs);

/** Whether a program can be had on this platform at all. */
export const isForThisPlatform = (name) => programs[name].platforms?.includes(process.platform) ?? true;

const download = async (name) => {
  console.log(`Downloading Playwright's ${programs[name].title} ...`);
  const { code } = await run(tool('playwright'), ['install', name], { timeoutMs: downloadTimeoutMs });
  if (code !== 0) console.log(`  no: ${code === 124 ? 'it took too long' : 'the download failed'}`);
  return findPlaywrights(name);
};

const installWithApt = async (packages) => {
  if (!existsSync('/etc/debian_version') || process.getuid?.() !== 0) return;
  console.log(`Installing with apt: ${packages.join(', ')} ...`);
  // Without a run level no package starts the service that it brings.
  const options = { env: { DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' }, timeoutMs: aptTimeoutMs };
  await run('apt-get', ['update'], options);
  const { code, output } = await run(
    'apt-get',
    ['install', '-y', '--no-install-recommends', ...packages],
    options,
  );
  if (code !== 0) console.log(output.split('\n').slice(-5).join('\n'));
};

const record = (found) => {
  mkdirSync(dirname(browserFile), { recursive: true });
  writeFileSync(browserFile, `${JSON.stringify(found, null, 2)}\n`);
};

const recorded = () => {
  try {
    return JSON.parse(readFileSync(browserFile, 'utf8'));
  } catch {
    return {};
  }
};

/** Finds a program, or gets it. Resolves with its path, or undefined. */
const ensureProgram = async (name) => {
  const { title, find, apt, isDownloadable } = programs[name];
  if (!isForThisPlatform(name)) {
    console.log(`${title}: not on ${process.platform}, its tests are skipped`);
    return undefined;
  }
  const variable = `ONESOCKET_${name.toUpperCase()}`;
  const isChosen = Boolean(process.env[variable]);
  if (isChosen && !existsSync(process.env[variable])) console.log(`${variable} names no file`);
  const isKnown = isChosen || recorded()[name] !== undefined;
  let path = isKnown ? find() : undefined;
  if (!isChosen && path === undefined) {
    if (isDownloadable) path = findPlaywrights(name) ?? (await download(name)) ?? findOnSystem(name);
    else path = find();
    if (path === undefined) {
      await installWithApt(apt);
      path = find();
    }
  }
  console.log(`${title}: ${path ?? 'none found'}`);
  return path;
};

/** Packages first, then these programs. Resolves with the paths of those that are there, by name. */
export const setup = async (names = programNames) => {
  if (!(await ensurePackages())) return { isReady: false, found: {} };
  const found = {};
  for (const name of names) {
    const path = await ensureProgram(name);
    if (path === undefined) continue;
    found[name] = path;
    if (!process.env[`ONESOCKET_${name.toUpperCase()}`]) record({ ...recorded(), [name]: path });
  }
  return { isReady: true, found };
};

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { isReady, found } = await setup();
  const needed = isCI ? programNames.filter(isForThisPlatform) : ['chromium'];
  process.exitCode = isReady && needed.every((name) => found[name] !== undefined) ? 0 : 1;
}
