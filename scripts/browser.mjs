import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, resolve } from 'node:path';
import { root } from './run.mjs';

/** Where scripts/setup.mjs writes down the browser it chose. */
export const browserFile = resolve(root, '.cache/browser.json');

/** The switches every suite starts Chromium with: root needs the first, containers the second, the rest is noise. */
export const chromiumArgs = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome'];

const usualPlaces = {
  linux: ['/usr/bin', '/usr/local/bin', '/snap/bin', '/opt/google/chrome'].flatMap((folder) =>
    names.map((name) => `${folder}/${name}`),
  ),
  darwin: ['Chromium', 'Google Chrome'].map((name) => `/Applications/${name}.app/Contents/MacOS/${name}`),
  win32: [process.env.PROGRAMFILES, process.env['PROGRAMFILES(X86)'], process.env.LOCALAPPDATA]
    .filter(Boolean)
    .map((folder) => `${folder}\\Google\\Chrome\\Application\\chrome.exe`),
};

const firstThatExists = (paths) => paths.find((path) => path && existsSync(path));

/** Playwright's own Chromium, if it is downloaded. */
export const findPlaywrightChromium = () => {
  try {
    const { chromium } = createRequire(import.meta.url)('playwright');
    return firstThatExists([chromium.executablePath()]);
  } catch {
    return undefined;
  }
};

/** A Chromium or Chrome of this system, by name in the PATH or in a usual place. */
export const findSystemChromium = () => {
  const suffix = process.platform === 'win32' ? '.exe' : '';
  const inPath = (process.env.PATH ?? '')
    .split(delimiter)
    .flatMap((folder) => names.map((name) => resolve(folder, name + suffix)));
  return firstThatExists([...inPath, ...(usualPlaces[process.platform] ?? [])]);
};

const recordedChromium = () => {
  try {
    return firstThatExists([JSON.parse(readFileSync(browserFile, 'utf8')).chromium]);
  } catch {
    return undefined;
  }
};

/** The Chromium to test with, or undefined. ONESOCKET_CHROMIUM overrides everything else. */
export const findChromium = () => {
  if (process.env.ONESOCKET_CHROMIUM) return firstThatExists([process.env.ONESOCKET_CHROMIUM]);
  return recordedChromium() ?? findPlaywrightChromium() ?? findSystemChromium();
};
