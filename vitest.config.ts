import { availableParallelism } from 'node:os';
import { playwright } from '@vitest/browser-playwright';
import { defineConfig, type Plugin } from 'vitest/config';
import { chromiumArgs, findChromium } from './scripts/browser.mjs';
import type { ServerUrls } from './server/testing/browser-setup.ts';

declare module 'vitest' {
  interface ProvidedContext {
    serverUrls: ServerUrls;
  }
}

/** In a build the worker lies beside the tab's script; under the test server its source takes that place. */
const serveWorkerSource: Plugin = {
  name: 'onesocket:serve-worker-source',
  configureServer(server) {
    server.middlewares.use((request, _response, next) => {
      if (/\/src\/(?:[\w-]+\/)*worker\.js(?:\?|$)/.test(request.url ?? '')) {
        request.url = '/worker/hub.worker.ts?worker_file&type=module';
      }
      next();
    });
  },
};

/** Tests wait for events alone; a loaded machine makes them slow, and nothing else. */
const testTimeout = 20_000;
/** Many tests wait for processes and sockets: vitest's own rule, one less than processors, leaves one of two idle. */
const maxWorkers = Math.max(2, availableParallelism() - 1);
const executablePath = findChromium();
const tests = ['src', 'worker', 'server', 'demo', 'bench', 'scripts', 'sim'].map(
  (folder) => `${folder}/**/*.test.ts`,
);
/** What needs programs that scripts/setup.mjs installs. */
const proxyTests = ['server/proxy/**/*.test.ts'];
const browserTests = ['{src,worker,demo}/**/*.browser.test.ts'];

export default defineConfig({
  cacheDir: '.cache/vite',
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          testTimeout,
          maxWorkers,
          environment: 'node',
          include: tests,
          exclude: [...browserTests, ...proxyTests, '**/dist/**'],
        },
      },
      { test: { name: 'proxy', testTimeout, maxWorkers, environment: 'node', include: proxyTests } },
      {
        plugins: [serveWorkerSource],
        // A dependency that is found in the middle of a run would reload the page under a test.
        optimizeDeps: { include: ['comlink', 'idb', 'fast-check'] },
        test: {
          name: 'browser',
          testTimeout,
          include: browserTests,
          globalSetup: 'server/testing/browser-setup.ts',
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            provider: playwright({
              launchOptions: { args: chromiumArgs, ...(executablePath && { executablePath }) },
            }),
            instances: [{ browser: 'chromium' }],
          },
        },
      },
    ],
  },
});
