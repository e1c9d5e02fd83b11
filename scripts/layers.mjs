// An oxlint plugin: which layer may import which. It resolves relative specifiers, which pattern rules cannot do.
import { dirname, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');

/**
 * The first layer whose folder holds a file is the file's own. `files` are folders or files of this repository, and
 * `packages` are names, where `node:` stands for all of Node's modules. A layer may always import from itself.
 */
const layers = [
  { name: 'src/protocol', files: [], packages: [] },
  { name: 'worker/core', files: ['src/protocol'], packages: [] },
  { name: 'worker', files: ['worker/core', 'src/protocol'], packages: ['comlink', 'idb'] },
  { name: 'src', files: ['worker', 'worker/core', 'src/protocol'], packages: ['comlink'] },
  { name: 'server/fuzz', files: ['server', 'src/protocol'], packages: ['fast-check', 'ws', 'node:'] },
  {
    name: 'server',
    files: ['src/protocol'],
    packages: ['ws', 'pino', 'lmdb', 'jose', 'prom-client', '@opentelemetry/api', 'node:'],
  },
  { name: 'demo/backend', files: ['package.json', 'demo'], packages: ['onesocket', 'vite', 'ws', 'node:'] },
  { name: 'demo', files: [], packages: ['onesocket'] },
  {
    name: 'e2e',
    files: ['demo/backend', 'scripts'],
    packages: [
      'onesocket',
      'ws',
      'node:',
      '@playwright/test',
      'selenium-webdriver',
      'webpack',
      '@rspack/core',
    ],
  },
  {
    name: 'sim',
    files: ['src', 'worker', 'worker/core', 'src/protocol', 'server'],
    packages: ['comlink', 'node:'],
  },
  {
    name: 'bench',
    files: ['demo/backend', 'scripts', 'e2e/harness/processes.ts'],
    packages: ['onesocket', 'ws', 'socket.io', 'node:', 'playwright'],
  },
];

/** What a test may import on top of its layer. */
const testPackages = [
  'vitest',
  '@vitest/browser-playwright',
  'fast-check',
  '@opentelemetry',
  'valibot',
  'zod',
  'node:',
];

const isIn = (folder, path) => path === folder || path.startsWith(`${folder}/`);
const layerOf = (path) => layers.find((layer) => isIn(layer.name, path));

const isPackageAllowed = (specifier, allowed) =>
  allowed.some((name) => (name.endsWith(':') ? specifier.startsWith(name) : isIn(name, specifier)));

/** Why `file` may not import `specifier`, or undefined where it may. */
export const violation = (file, specifier) => {
  const layer = layerOf(file);
  if (layer === undefined) return undefined;
  if (!specifier.startsWith('.')) {
    const extra = file.endsWith('.test.ts') ? testPackages : [];
    if (isPackageAllowed(specifier.split('?')[0], [...layer.packages, ...extra])) return undefined;
    return `${layer.name} may not import the package ${specifier}`;
  }
  const target = relative(root, resolve(root, dirname(file), specifier))
    .split(sep)
    .join('/');
  const targetLayer = layerOf(target);
  if (targetLayer === layer) return undefined;
  const isAllowed = (name) => name === (targetLayer?.name ?? target) || name === target;
  const allowed = layer.files.some((name) => isAllowed(name) || (!targetLayer && isIn(name, target)));
  return allowed ? undefined : `${layer.name} may not import ${targetLayer?.name ?? target}`;
};

const boundaries = {
  create(context) {
    const file = relative(root, context.filename).split(sep).join('/');
    const check = (node) => {
      const specifier = node.source?.value;
      if (typeof specifier !== 'string') return;
      const message = violation(file, specifier);
      if (message !== undefined) context.report({ node: node.source, message });
    };
    return {
      ImportDeclaration: check,
      ImportExpression: check,
      ExportAllDeclaration: check,
      ExportNamedDeclaration: check,
      TSImportType: check,
    };
  },
};

export default { meta: { name: 'layers' }, rules: { boundaries } };
