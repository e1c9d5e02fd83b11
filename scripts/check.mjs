// `npm run check`: everything but the tests. `--only types,lint` runs some of the steps.
import { readFileSync, readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from './build.mjs';
import { ensurePackages } from './packages.mjs';
import { root, run, tool } from './run.mjs';

/** What a declaration that we ship may import: an app has these installed, or Node brings them. */
const packagesInTypes = [/^\./, /^node:/, /^pino$/];

/** The same for the declarations of an entry that needs a package of its own: who imports it has that package. */
const packagesOfEntries = [
  { files: /^server\/sight\/prometheus\.d\.ts$/, packages: /^prom-client$/ },
  { files: /^server\/sight\/open-telemetry\.d\.ts$/, packages: /^@opentelemetry\/api$/ },
];

const command =
  (name, ...args) =>
  () =>
    run(tool(name), args);

const buildStep = async () => {
  try {
    await build();
    return { code: 0, output: '' };
  } catch (error) {
    return { code: 1, output: error.message };
  }
};

const checkDeclarations = () => {
  const folder = resolve(root, 'dist/types');
  const problems = readdirSync(folder, { recursive: true })
    .filter((path) => path.endsWith('.d.ts'))
    .flatMap((path) => {
      const text = readFileSync(resolve(folder, path), 'utf8');
      const own = packagesOfEntries.filter(({ files }) => files.test(path.replaceAll('\\', '/')));
      const allowed = [...packagesInTypes, ...own.map(({ packages }) => packages)];
      return [...text.matchAll(/(?:from|import)\s*\(?\s*['"]([^'"]+)['"]/g)]
        .filter(([, name]) => !allowed.some((pattern) => pattern.test(name)))
        .map(([, name]) => `dist/types/${path} imports ${name}, which an app may not have`);
    });
  return { code: problems.length > 0 ? 1 : 0, output: problems.join('\n') };
};

/** An app's bundler inlines small files as data: URLs, and a worker of a data: URL is shared by nobody. */
const checkWorker = () => {
  const { length } = readFileSync(resolve(root, 'dist/worker.js'));
  const isSafe = length > 4096;
  return {
    code: isSafe ? 0 : 1,
    output: isSafe ? '' : `dist/worker.js has ${length} bytes, and would be inlined`,
  };
};

/** The page imports the worker's script by a URL that a bundler does not know, and has to be told to leave alone. */
const checkImports = () => {
  const unmarked = ['index.js', 'onesocket.global.js'].filter((name) =>
    readFileSync(resolve(root, 'dist', name), 'utf8')
      .split(/\bimport\s*\(/)
      .slice(1)
      .some((call) => !/^(?=.{0,60}webpackIgnore: true)(?=.{0,60}@vite-ignore)/s.test(call)),
  );
  return {
    code: unmarked.length > 0 ? 1 : 0,
    output: unmarked.map((name) => `dist/${name} has an import() that an app's bundler resolves`).join('\n'),
  };
};

const steps = {
  types: command('tsc', '--build'),
  lint: command('oxlint', '--deny-warnings'),
  format: command('oxfmt', '--check'),
  unused: command('knip'),
  build: buildStep,
  declarations: checkDeclarations,
  worker: checkWorker,
  imports: checkImports,
  publint: command('publint', '--strict'),
  attw: command('attw', '--pack', '.', '--profile', 'esm-only', '--no-emoji'),
  size: command('size-limit'),
};

/** Runs the steps in order, all of them even if one fails. Resolves with the names of those that failed. */
export const check = async (only = Object.keys(steps)) => {
  const unknown = only.filter((name) => steps[name] === undefined);
  if (unknown.length > 0)
    throw new Error(`No such step: ${unknown.join(', ')} (${Object.keys(steps).join(', ')})`);
  if (!(await ensurePackages())) return ['packages'];
  const failed = [];
  for (const name of only) {
    const startedMs = performance.now();
    const { code, output } = await steps[name]();
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
    console.log(`${code === 0 ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)`);
    if (code !== 0 || name === 'size') console.log(output.trim().replace(/^/gm, '       '));
    if (code !== 0) failed.push(name);
  }
  return failed;
};

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const at = process.argv.indexOf('--only');
  const only = at === -1 ? undefined : process.argv[at + 1]?.split(',');
  const failed = await check(only);
  console.log(failed.length === 0 ? 'check: all passed' : `check: failed: ${failed.join(', ')}`);
  process.exitCode = failed.length === 0 ? 0 : 1;
}
