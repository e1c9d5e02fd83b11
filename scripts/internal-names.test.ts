import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { internalNames } from './internal-names.ts';

const root = new URL('../', import.meta.url);
const contracts = ['common-fields', 'client-schema', 'server-schema', 'errors', 'version']
  .map((name) => `src/protocol/${name}.ts`)
  .concat('worker/core/hub-api.ts');

test.each(contracts)('no name that the worker shortens is a property in %s', (file) => {
  const source = readFileSync(new URL(file, root), 'utf8');
  const properties = new Set(Array.from(source.matchAll(/\b(\w+)\??:/g), ([, name]) => name!));
  expect(internalNames.filter((name) => properties.has(name))).toEqual([]);
});

const builtIns = [
  ...[Array, ArrayBuffer, DataView, Date, Error, Map, Number, Object, Promise, Set, String, Uint8Array],
  ...[AbortController, AbortSignal, Event, EventTarget, MessagePort, TextDecoder, TextEncoder],
].flatMap((type) => [type, type.prototype as object]);

test('no name that the worker shortens belongs to a built-in object', () => {
  const all = [...builtIns, JSON, Math, performance, crypto];
  const taken = new Set(all.flatMap((object) => Object.getOwnPropertyNames(object)));
  expect(internalNames.filter((name) => taken.has(name))).toEqual([]);
});
