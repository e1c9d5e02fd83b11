import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { internalHubNames, internalTabNames } from './internal-names.ts';

const root = new URL('../', import.meta.url);
const ports = ['core/hub-api', 'core/policy-types', 'core/payload-types', 'core/news-types', 'channel']
  .map((name) => `worker/${name}.ts`)
  .concat('src/protocol/errors.ts');
const stored = ['core/store-types', 'store/records'].map((name) => `worker/${name}.ts`);
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
// Node has no IndexedDB whose properties could be listed; the last ones are options of idb.
const indexedDb = `
  open cmp databases deleteDatabase name version objectStoreNames transaction close createObjectStore deleteObjectStore mode
  durability db error objectStore commit abort keyPath indexNames autoIncrement put add delete clear get getKey getAll
  getAllKeys count openCursor openKeyCursor index createIndex deleteIndex unique multiEntry source direction key primaryKey
  value request advance continue continuePrimaryKey update lower upper lowerOpen upperOpen bound only lowerBound upperBound
  includes result readyState oldVersion newVersion store done upgrade blocked blocking terminated
`
  .trim()
  .split(/\s+/);
const builtIns = [...types, ...platformTypes].flatMap((type) => [type, type.prototype as object]);

/** The declarations of a contract, without what its comments say. */
const declarations = (file: string): string =>
  readFileSync(new URL(file, root), 'utf8').replaceAll(/\/\*\*.*?\*\//gs, '');

describe.each([
  { side: 'worker', names: internalHubNames, contracts: [...ports, ...stored, ...wire], reserved: indexedDb },
  {
    side: 'tab',
    names: internalTabNames,
    contracts: [...ports, 'src/types.ts', 'src/connect-options.ts', 'src/presence-types.ts'],
    reserved: [],
  },
])('the property names that are shortened in the $side', ({ names, contracts, reserved }) => {
  test.each(contracts)('are not in %s', (file) => {
    const properties = Array.from(declarations(file).matchAll(/\b(\w+)\??[:(<]/g), ([, name]) => name!);
    expect(names.filter((name) => properties.includes(name))).toEqual([]);
  });

  test('are on no built-in object', () => {
    const objects = [...builtIns, JSON, Math, performance, crypto];
    const taken = new Set([...reserved, ...objects.flatMap((object) => Object.getOwnPropertyNames(object))]);
    expect(names.filter((name) => taken.has(name))).toEqual([]);
  });
});
