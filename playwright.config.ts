import { defineConfig } from '@playwright/test';
import { chromiumArgs, findChromium } from './scripts/browser.mjs';
import { isCI } from './scripts/run.mjs';

const executablePath = findChromium();
const report = process.env['PLAYWRIGHT_JSON_OUTPUT_FILE'];

export default defineConfig({
  testDir: 'e2e',
  testMatch: '**/*.spec.ts',
  outputDir: '.cache/playwright',
  // The projects of tsconfig.json map the package's name to its sources; these tests take what we ship.
  tsconfig: './tsconfig.base.json',
  forbidOnly: isCI,
  fullyParallel: false,
  workers: 2,
  retries: 0,
  reporter: report ? [['list'], ['json', { outputFile: report }]] : [['list']],
  use: {
    browserName: 'chromium',
    headless: true,
    launchOptions: { args: chromiumArgs, ...(executablePath && { executablePath }) },
  },
});
