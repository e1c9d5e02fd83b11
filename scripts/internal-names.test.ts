import { readFileSync, readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { internalNames } from './internal-names.ts';

const root = new URL('../', import.meta.url);
const contracts = [
  'worker/core/hub-api.ts',
  'src/types.ts',
  ...readdirSync(new URL('src/protocol/', root))
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .map((file) => `src/protocol/${file}`),
];

test.each(contracts)('no name that the worker shortens is a property in %s', (file) => {
  const source = readFileSync(new URL(file, root), 'utf8');
  const properties = new Set(Array.from(source.matchAll(/\b(\w+)\??:/g), ([, name]) => name!));
  expect(internalNames.filter((name) => properties.has(name))).toEqual([]);
});
