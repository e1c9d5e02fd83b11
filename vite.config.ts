import { fileURLToPath } from 'node:url';
import { defineConfig, type Plugin, type UserConfig } from 'vite';
import { internalHubNames, internalTabNames } from './scripts/internal-names.ts';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

const workerUrl =
  /new URL\(\s*\/\* @vite-ignore \*\/\s*(["'`])\.\/worker\.js\1,\s*import\.meta\.url\s*,?\s*\)/g;

/**
 * The tab's source marks its worker URL with `@vite-ignore`, because Vite would otherwise resolve it here, at our build.
 * In what we ship the mark must be gone: the app's own bundler has to see the URL and emit the worker. `no-inline`
 * keeps an app with a large `assetsInlineLimit` from getting a data: URL, whose worker is shared by nobody.
 */
const exposeWorkerUrl: Plugin = {
  name: 'onesocket:expose-worker-url',
  renderChunk(code) {
    const shipped = "new URL('./worker.js?no-inline', import.meta.url)";
    // Blanks up to the same length keep the source map true.
    const exposed = code.replace(workerUrl, (source) => shipped.padEnd(source.length));
    if (exposed === code) {
      this.error("src/ must hold new URL(/* @vite-ignore */ './worker.js', import.meta.url)");
    }
    return { code: exposed, map: null };
  },
};

/** A file that needs no other file of ours, so that the URL of one script is all that an app has to serve. */
const bundle = (name: string, entry: string, mangled?: readonly string[]): UserConfig => ({
  publicDir: false,
  build: {
    target: 'es2022',
    emptyOutDir: false,
    modulePreload: false,
    license: { fileName: `${name}.licenses.md` },
    sourcemap: true,
    reportCompressedSize: false,
    rolldownOptions: {
      input: { [name]: here(entry) },
      preserveEntrySignatures: 'strict',
      // Our modules only declare: without this, what is spread into an unused constant would stay.
      treeshake: { propertyReadSideEffects: false },
      output: {
        format: 'es',
        entryFileNames: '[name].js',
        codeSplitting: false,
        // They tell an app's bundler to leave the page's import of the worker's script alone.
        comments: { annotation: true, legal: false, jsdoc: false },
        ...(mangled && { minify: { mangleProps: { include: new RegExp(`^(${mangled.join('|')})$`) } } }),
      },
    },
  },
});

/**
 * A classic script has no `import.meta.url`: its own URL is that of the script tag, which only its first turn can read. One
 * without a URL, inline or imported as a module, looks for the worker beside the page.
 */
const classic: UserConfig = bundle('onesocket.global', 'src/global.ts', internalTabNames);
classic.build = {
  ...classic.build,
  // What is in it is in index.js, too, whose licences are shipped.
  license: false,
  rolldownOptions: {
    ...classic.build?.rolldownOptions,
    transform: { define: { 'import.meta.url': 'scriptUrl' } },
    output: {
      ...classic.build?.rolldownOptions?.output,
      format: 'iife',
      intro: 'const scriptUrl = document.currentScript?.src || document.baseURI;',
    },
  },
};

// Entries that share files, so that an error class of one is that of the other.
const server: UserConfig = {
  ...bundle('server', 'server/index.ts'),
  ssr: {
    target: 'node',
    noExternal: true,
    external: ['ws', 'pino', 'lmdb', 'jose', 'prom-client', '@opentelemetry/api'],
  },
};
server.build = {
  ...server.build,
  ssr: true,
  target: 'node20',
  minify: false,
  license: false,
  rolldownOptions: {
    input: {
      server: here('server/index.ts'),
      'server-file': here('server/file.ts'),
      'server-jwt': here('server/jwt.ts'),
      'server-metrics': here('server/metrics.ts'),
      'server-tracing': here('server/tracing.ts'),
    },
    preserveEntrySignatures: 'strict',
    output: { format: 'es', entryFileNames: '[name].js', chunkFileNames: 'server-shared.js' },
  },
};

// The demo uses what we ship, so it goes through the same worker URL handling as any app.
const demo: UserConfig = {
  root: here('demo'),
  resolve: {
    alias: [
      { find: /^onesocket$/, replacement: here('dist/index.js') },
      { find: /^onesocket\/worker/, replacement: here('dist/worker.js') },
    ],
  },
  server: { fs: { allow: [here('.')] } },
  build: { outDir: here('demo/dist'), emptyOutDir: true, target: 'es2022', reportCompressedSize: false },
};

const targets: Record<string, UserConfig> = {
  index: { ...bundle('index', 'src/index.ts', internalTabNames), plugins: [exposeWorkerUrl] },
  global: classic,
  worker: bundle('worker', 'worker/hub.worker.ts', internalHubNames),
  server,
  demo,
};

export default defineConfig(({ mode }) => ({
  logLevel: 'warn',
  cacheDir: here('.cache/vite'),
  ...(targets[mode] ?? demo),
}));
