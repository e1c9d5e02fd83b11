import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { internalHubNames, internalTabNames } from './internal-names.ts';

const root = new URL('../', import.meta.url);
const ports = ['worker/core/hub-api.ts', 'src/protocol/errors.ts'];
const wire = ['common-fields', 'client-schema', 'server-schema'].map((name) => `src/protocol/${name}.ts`);

const types = [
  Array,
  ArrayBuffer,
  DataView,
  Date,
  Error,
  Map,
  Number,
  Object,
  Promise,
  Set,
  String,
  Uint8Array,
];
const platformTypes = [
  AbortController,
  AbortSignal,
  Event,
  EventTarget,
  MessagePort,
  TextDecoder,
  TextEncoder,
  URL,
];
const builtIns = [...types, ...platformTypes].flatMap((type) => [type, type.prototype as object]);

/** The declarations of a contract, without what its comments say. */
const declarations = (file: string): string =>
  readFileSync(new URL(file, root), 'utf8').replaceAll(/\/\*\*.*?\*\//gs, '');

describe.each([
  { side: 'worker', names: internalHubNames, contracts: [...ports, ...wire] },
  { side: 'tab', names: internalTabNames, contracts: [...ports, 'src/types.ts'] },
])('the property names that are shortened in the $side', ({ names, contracts }) => {
  test.each(contracts)('are not in %s', (file) => {
    const properties = Array.from(declarations(file).matchAll(/\b(\w+)\??[:(<]/g), ([, name]) => name!);
    expect(names.filter((name) => properties.includes(name))).toEqual([]);
  });

  test('are on no built-in object', () => {
    const objects = [...builtIns, JSON, Math, performance, crypto];
    const taken = new Set(objects.flatMap((object) => Object.getOwnPropertyNames(object)));
    expect(names.filter((name) => taken.has(name))).toEqual([]);
  });
});
