import { fileURLToPath } from 'node:url';
import { defineConfig, type PlaywrightTestConfig } from '@playwright/test';
import type { E2eOptions } from './e2e/harness/base-test.ts';
import { hosts } from './e2e/harness/capabilities.ts';
import { chromiumArgs, findChromium, findFirefox, isPlaywrights } from './scripts/browser.mjs';
import { isCI } from './scripts/run.mjs';

/** The suite of `npm test` that this is; undefined by hand, which means all. */
const suite = process.env['ONESOCKET_SUITE'];
const report = process.env['PLAYWRIGHT_JSON_OUTPUT_FILE'];
const chromium = findChromium();
const firefox = findFirefox();

type Config = PlaywrightTestConfig<E2eOptions>;
type Project = NonNullable<Config['projects']>[number];

/** What needs one browser only, or looks for the host itself, runs in the project of the usual host. */
const once = ['chaos/**', 'consumer/**', 'policy/**', 'hosts.spec.ts'];

/** Tests that set the host themselves, or never come as far as one: what they see is the same in every project of a browser. */
const anyHost = /@any-host/;

const useChromium: Config['use'] & object = {
  browserName: 'chromium',
  launchOptions: {
    args: chromiumArgs,
    // Playwright turns the cache off, which every user has.
    ignoreDefaultArgs: ['--disable-back-forward-cache'],
    ...(chromium && { executablePath: chromium }),
  },
};

const useFirefox: Config['use'] & object = {
  browserName: 'firefox',
  ...(firefox && !isPlaywrights(firefox) && { channel: 'moz-firefox' }),
  launchOptions: {
    // A process for each tab, so that one of them can be killed.
    firefoxUserPrefs: { 'dom.ipc.processCount.webIsolated': 16 },
    ...(firefox && {
      executablePath:
        process.platform === 'win32'
          ? firefox
          : fileURLToPath(new URL('e2e/harness/firefox.sh', import.meta.url)),
      env: { ...process.env, ONESOCKET_FIREFOX: firefox } as Record<string, string>,
    }),
  },
};

const projectsOf = (browser: string, project: Project): Project[] =>
  hosts.map((host) => ({
    ...project,
    name: `${browser}-${host}`,
    use: { ...project.use, host },
  }));

/** What waits most of its time, for a backoff, an expiry, a steal or the end of a sleep, runs beside the others. */
const patient = '(?:backoff|chaos|frozen-leader|sleep|tokens)\\.spec\\.ts$';
const patientSpecs = new RegExp(`[\\\\/]${patient}`);
const otherSpecs = new RegExp(`[\\\\/](?!${patient})[\\w-]+\\.spec\\.ts$`);

const testIgnore = ['webkit/**'];

export default defineConfig<E2eOptions>({
  testDir: 'e2e',
  globalSetup: './e2e/global-setup.ts',
  testMatch: suite === 'patient' ? patientSpecs : suite === 'e2e' ? otherSpecs : '**/*.spec.ts',
  // Suites run side by side, and each empties its own.
  outputDir: `.cache/playwright/${suite ?? 'any'}`,
  // The projects of tsconfig.json map the package's name to its sources; these tests take what we ship.
  tsconfig: './tsconfig.base.json',
  forbidOnly: isCI,
  // Tests wait for events alone; a loaded machine makes them slow, and nothing else.
  timeout: 60_000,
  fullyParallel: false,
  workers: suite === 'patient' ? 1 : 2,
  retries: 0,
  reporter: report ? [['list'], ['json', { outputFile: report }]] : [['list']],
  use: { headless: true },
  projects: [
    ...projectsOf('chromium', { use: useChromium, testIgnore }),
    ...projectsOf('firefox', { use: useFirefox, testIgnore: [...testIgnore, 'chaos/**', 'consumer/**'] }),
    ...projectsOf('webkit', { testDir: 'e2e/webkit' }),
  ].map((project) =>
    project.use?.host === hosts[0]
      ? project
      : { ...project, testIgnore: [project.testIgnore ?? [], once].flat(), grepInvert: anyHost },
  ),
});
