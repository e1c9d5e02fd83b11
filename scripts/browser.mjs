import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, resolve } from 'node:path';
import { root } from './run.mjs';

/** Where scripts/setup.mjs writes down the browsers it chose. */
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

const programFiles = [process.env.PROGRAMFILES, process.env['PROGRAMFILES(X86)'], process.env.LOCALAPPDATA];
const inProgramFiles = (path) => programFiles.filter(Boolean).map((folder) => `${folder}\\${path}`);
const inApplications = (names) =>
  names.map((name) => `/Applications/${name}.app/Contents/MacOS/${name === 'Firefox' ? 'firefox' : name}`);

/** Names in the PATH, and usual places outside of it. */
const systemBrowsers = {
  chromium: {
    names: ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome'],
    places: {
      linux: ['/opt/google/chrome/chrome'],
      darwin: inApplications(['Chromium', 'Google Chrome']),
      win32: inProgramFiles('Google\\Chrome\\Application\\chrome.exe'),
    },
  },
  firefox: {
    names: ['firefox', 'firefox-esr'],
    places: {
      linux: ['/opt/firefox/firefox'],
      darwin: inApplications(['Firefox']),
      win32: inProgramFiles('Mozilla Firefox\\firefox.exe'),
    },
  },
};

const usualFolders = { linux: ['/usr/bin', '/usr/local/bin', '/snap/bin', '/usr/sbin'] };

const firstThatExists = (paths) => paths.find((path) => path && existsSync(path));

/** A program of this system, by one of its names in the PATH or in a usual folder. */
const findProgram = (names) => {
  const suffix = process.platform === 'win32' ? '.exe' : '';
  const folders = [
    ...(process.env.PATH ?? '').split(delimiter).filter(Boolean),
    ...(usualFolders[process.platform] ?? []),
  ];
  return firstThatExists(folders.flatMap((folder) => names.map((name) => resolve(folder, name + suffix))));
};

/** Playwright's own browser of this name, if it is downloaded. */
export const findPlaywrights = (name) => {
  try {
    return firstThatExists([createRequire(import.meta.url)('playwright')[name].executablePath()]);
  } catch {
    return undefined;
  }
};

/** WebKitGTK's small browser lies in a library folder, whose name has the architecture. */
const findMiniBrowser = () => {
  const libraries = ['/usr/lib', '/usr/lib64', '/usr/libexec'].filter((folder) => existsSync(folder));
  const folders = libraries.flatMap((folder) => [
    folder,
    ...readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && entry.name.includes('-linux-'))
      .map((entry) => `${folder}/${entry.name}`),
  ]);
  return firstThatExists(folders.map((folder) => `${folder}/webkit2gtk-4.1/MiniBrowser`));
};

/** A browser of this system: `chromium`, `firefox` or `webkit`. */
export const findOnSystem = (name) => {
  if (name === 'webkit') return findMiniBrowser();
  const { names, places } = systemBrowsers[name];
  return findProgram(names) ?? firstThatExists(places[process.platform] ?? []);
};

const recorded = (name) => {
  try {
    return firstThatExists([JSON.parse(readFileSync(browserFile, 'utf8'))[name]]);
  } catch {
    return undefined;
  }
};

const find = (name) => {
  const chosen = process.env[`ONESOCKET_${name.toUpperCase()}`];
  if (chosen) return firstThatExists([chosen]);
  return recorded(name) ?? (name === 'webkit' ? undefined : findPlaywrights(name)) ?? findOnSystem(name);
};

/** The Chromium to test with, or undefined. ONESOCKET_CHROMIUM overrides everything else. */
export const findChromium = () => find('chromium');

/** The Firefox to test with, or undefined. ONESOCKET_FIREFOX overrides everything else. */
export const findFirefox = () => find('firefox');

/** Whether Playwright drives this Firefox by its own protocol; any other it drives by WebDriver BiDi. */
export const isPlaywrights = (path) => path === findPlaywrights('firefox');

/**
 * What it takes to test with WebKitGTK: its browser, its driver, and a screen in memory. Undefined where one of them is
 * missing. ONESOCKET_WEBKIT is the path of a MiniBrowser.
 */
export const findWebKit = () => {
  const [browser, driver, screen] = [find('webkit'), findProgram(['WebKitWebDriver']), findProgram(['Xvfb'])];
  return browser && driver && screen ? { browser, driver, screen } : undefined;
};

/** The nginx to test with, or undefined. It makes its certificates with openssl. ONESOCKET_NGINX overrides everything else. */
export const findNginx = () => {
  const chosen = process.env.ONESOCKET_NGINX;
  const program = chosen ? firstThatExists([chosen]) : findProgram(['nginx']);
  return findProgram(['openssl']) && program;
};
