// Bundles the server of the multi-tab tests: every test starts one, and tsx takes half a second for each.
import { resolve } from 'node:path';
import { build } from 'vite';
import { root } from './run.mjs';

// Suites run side by side, and each makes its own.
const outDir = resolve(root, '.cache/e2e', process.env.ONESOCKET_SUITE ?? 'any');

/** What a test starts as its server. */
export const e2eServer = resolve(outDir, 'server.js');

/** Makes that. Packages stay what they are, this one included: the tests take what we ship. */
export async function bundleE2eServer() {
  const { NODE_ENV } = process.env;
  await build({
    root,
    configFile: false,
    logLevel: 'error',
    build: {
      ssr: resolve(root, 'e2e/harness/server.ts'),
      outDir,
      emptyOutDir: true,
      minify: false,
      target: 'node20',
      rolldownOptions: { external: /^[^./]/ },
    },
  });
  // Vite sets it for a build, and the tests would inherit it: npm installs no development dependencies with it.
  if (NODE_ENV === undefined) delete process.env.NODE_ENV;
}
