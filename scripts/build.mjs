// Builds dist/, and the demo's pages, unless they are up to date: `--force` builds anyway.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root, run, tool } from './run.mjs';

const stampFile = resolve(root, '.cache/build.json');
const outputs = [
  'index.js',
  'onesocket.global.js',
  'worker.js',
  'server.js',
  'server-file.js',
  'server-jwt.js',
  'server-metrics.js',
  'server-tracing.js',
  'types/src/index.d.ts',
  'types/src/global.d.ts',
  'types/server/index.d.ts',
  'types/server/file.d.ts',
  'types/server/jwt.d.ts',
  'types/server/metrics.d.ts',
  'types/server/tracing.d.ts',
];

const libraryInputs = [
  'src',
  'worker',
  'server',
  'vite.config.ts',
  'scripts/internal-names.ts',
  'tsconfig.base.json',
  'tsconfig.build.json',
];
const everyInput = ['package-lock.json', 'package.json', 'scripts/build.mjs'];

const filesIn = (path) => {
  const full = resolve(root, path);
  if (!existsSync(full)) return [];
  const entries = readdirSync(full, { withFileTypes: true });
  return entries
    .filter((entry) => entry.name !== 'dist' && entry.name !== 'backend' && !entry.name.endsWith('.test.ts'))
    .flatMap((entry) => (entry.isDirectory() ? filesIn(join(path, entry.name)) : [join(path, entry.name)]));
};

const hashOf = (paths, seed = '') => {
  const hash = createHash('sha256').update(seed);
  for (const path of paths.flatMap((name) => (/\.\w+$/.test(name) ? [name] : filesIn(name))).toSorted()) {
    hash.update(path).update(readFileSync(resolve(root, path)));
  }
  return hash.digest('hex');
};

const readStamp = () => {
  try {
    return JSON.parse(readFileSync(stampFile, 'utf8'));
  } catch {
    return {};
  }
};

const writeStamp = (stamp) => {
  mkdirSync(dirname(stampFile), { recursive: true });
  writeFileSync(stampFile, `${JSON.stringify(stamp, null, 2)}\n`);
};

const step = async (command, args) => {
  const { code, output } = await run(command, args);
  if (code !== 0) throw new Error(`${[command.split('/').at(-1), ...args].join(' ')} failed\n${output}`);
};

/** Relative specifiers keep `.ts` in declarations, which only a TypeScript with our settings would resolve. */
const nameDeclarationsAsScripts = (folder) => {
  const paths = readdirSync(folder, { recursive: true }).filter((path) => path.endsWith('.d.ts'));
  for (const path of paths) {
    const text = readFileSync(join(folder, path), 'utf8');
    writeFileSync(
      join(folder, path),
      text.replace(/((?:from|import)\s*\(?\s*['"]\.[^'"]*)\.ts(['"])/g, '$1.js$2'),
    );
  }
};

/** Keeps the declarations that an app can reach from an entry: the others name packages that it may not have. */
const pruneDeclarations = (folder, entries) => {
  const reached = new Set();
  const visit = (path) => {
    if (reached.has(path)) return;
    reached.add(path);
    const text = readFileSync(join(folder, path), 'utf8');
    for (const [, specifier] of text.matchAll(/(?:from|import)\s*\(?\s*['"](\.[^'"]*)\.js['"]/g)) {
      visit(join(dirname(path), `${specifier}.d.ts`));
    }
  };
  entries.forEach(visit);
  for (const path of readdirSync(folder, { recursive: true })) {
    if (path.endsWith('.d.ts') && !reached.has(path)) rmSync(join(folder, path));
  }
};

/** A second pass over the browser files: terser finds 1 to 2 % that the bundler's own minifier leaves. */
const minifyAgain = async (folder, name, isModule) => {
  const { minify } = await import('terser');
  const file = join(folder, name);
  const { code, map } = await minify(readFileSync(file, 'utf8'), {
    module: isModule,
    ecma: 2020,
    compress: { passes: 3, unsafe_arrows: true },
    format: { comments: /@vite-ignore|webpackIgnore/ },
    sourceMap: { content: readFileSync(`${file}.map`, 'utf8'), url: `${name}.map` },
  });
  writeFileSync(file, code);
  writeFileSync(`${file}.map`, map);
};

/** Builds beside dist/ and swaps at the end, so that nobody reads half a build. */
const buildLibrary = async () => {
  const fresh = resolve(root, `.cache/dist-${process.pid}`);
  const old = `${fresh}-old`;
  try {
    for (const mode of ['index', 'global', 'worker', 'server']) {
      await step(tool('vite'), ['build', '--mode', mode, '--outDir', fresh]);
    }
    for (const name of ['index.js', 'worker.js']) await minifyAgain(fresh, name, true);
    await minifyAgain(fresh, 'onesocket.global.js', false);
    await step(tool('tsc'), ['-p', 'tsconfig.build.json', '--outDir', join(fresh, 'types')]);
    nameDeclarationsAsScripts(join(fresh, 'types'));
    pruneDeclarations(join(fresh, 'types'), [
      'src/index.d.ts',
      'src/global.d.ts',
      'worker/hub.worker.d.ts',
      'server/index.d.ts',
      'server/file.d.ts',
      'server/jwt.d.ts',
      'server/metrics.d.ts',
      'server/tracing.d.ts',
    ]);
    if (existsSync(resolve(root, 'dist'))) renameSync(resolve(root, 'dist'), old);
    renameSync(fresh, resolve(root, 'dist'));
  } finally {
    rmSync(fresh, { recursive: true, force: true });
    rmSync(old, { recursive: true, force: true });
  }
};

/** Builds what is stale. Throws an Error with the tool's output if a step fails. */
export const build = async ({ force = false } = {}) => {
  const stamp = readStamp();
  const library = hashOf([...libraryInputs, ...everyInput]);
  const isComplete = outputs.every((path) => existsSync(resolve(root, 'dist', path)));
  if (force || stamp.library !== library || !isComplete) {
    console.log('Building dist/ ...');
    await buildLibrary();
    writeStamp({ ...stamp, library });
  }
  if (!existsSync(resolve(root, 'demo/index.html'))) return;
  const demo = hashOf(['demo', ...everyInput], library);
  if (force || stamp.demo !== demo || !existsSync(resolve(root, 'demo/dist/index.html'))) {
    console.log('Building demo/dist/ ...');
    await step(tool('vite'), ['build', '--mode', 'demo']);
    writeStamp({ library, demo });
  }
};

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  try {
    await build({ force: process.argv.includes('--force') });
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
