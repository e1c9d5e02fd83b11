import { equal } from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import * as closeCodes from './close-codes.ts';
import { closeAction } from './close-action.ts';
import type { Field, Fields } from './field.ts';
import * as protocolLimits from './limits.ts';
import { clientSchema } from './client-schema.ts';
import { common } from './common-fields.ts';
import { serverSchema } from './server-schema.ts';
import { subprotocol, wireVersions } from './version.ts';

/** What each wire version looks like, for all time. */
const hashes: { readonly [version: number]: string } = {
  1: '72cacb42f812599604fff66bad9e9a4ed8ea82a805160f172221f2414353d742',
};

/** JSON with the keys of every object in order, so that only a change of meaning changes the text. */
const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );

describe('the wire schema', () => {
  it('changes only with a new wire version', () => {
    const wire = canonical({ common, clientSchema, serverSchema, limits: { ...protocolLimits } });
    const hash = createHash('sha256').update(wire).digest('hex');
    const version = wireVersions[0]!;
    const advice =
      `The wire schema or its limits changed. Peers that speak wire version ${version} do not know of that: add a ` +
      `version in version.ts, and here { ${version + 1}: '${hash}' }. If version ${version} was never released, ` +
      `put the new hash in the place of the old one instead. Then bring docs/PROTOCOL.md up to date.`;
    equal(hash, hashes[version], advice);
  });

  it('has a hash for every version that this build speaks, newest first', () => {
    expect(Object.keys(hashes)).toEqual(expect.arrayContaining(wireVersions.map(String)));
    expect(wireVersions).toEqual(wireVersions.toSorted((a, b) => b - a));
  });

  it('describes the id and the time once for all envelopes, and every type without them', () => {
    expect(common).toMatchObject({ id: { kind: 'string' }, ts: { kind: 'uint' } });
    const own = [clientSchema, serverSchema].flatMap((schema) => Object.values<Fields>(schema));
    expect(own.flatMap(Object.keys).filter((name) => name === 'type' || name in common)).toEqual([]);
  });
});

/** Paths of the fields, with those inside of objects and of objects in lists. */
function fieldPaths(fields: Fields, prefix = ''): string[] {
  return Object.entries(fields).flatMap(([name, field]) => [
    prefix + name,
    ...innerPaths(field, prefix + name),
  ]);
}

function innerPaths(field: Field, path: string): string[] {
  switch (field.kind) {
    case 'object':
      return fieldPaths(field.fields, `${path}.`);
    case 'list':
      return innerPaths(field.of, `${path}[]`);
    case 'optional':
      return innerPaths(field.of, path);
    default:
      return [];
  }
}

interface Section {
  readonly heading: string;
  readonly rows: readonly (readonly string[])[];
}

/** Sections of a Markdown page: the heading, and the cells of all table rows below it. */
function sectionsOf(page: string): Section[] {
  const sections: { heading: string; rows: string[][] }[] = [];
  for (const line of page.split('\n')) {
    const heading = /^#+ (.*)$/.exec(line)?.[1];
    if (heading !== undefined) sections.push({ heading, rows: [] });
    else if (line.startsWith('|')) sections.at(-1)?.rows.push(cellsOf(line));
  }
  return sections;
}

const cellsOf = (line: string): string[] =>
  line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());

/** The text in the first backticks of a cell. */
const quoted = (cell: string | undefined): string | undefined => /`([^`]+)`/.exec(cell ?? '')?.[1];

describe('docs/PROTOCOL.md', () => {
  let sections: Section[] = [];
  let rows: (readonly string[])[] = [];

  beforeAll(() => {
    sections = sectionsOf(readFileSync(new URL('../../docs/PROTOCOL.md', import.meta.url), 'utf8'));
    rows = sections.flatMap((section) => section.rows);
  });

  const sides = [
    { side: 'client', schema: clientSchema as Record<string, Fields> },
    { side: 'server', schema: serverSchema as Record<string, Fields> },
  ];
  const types = sides.flatMap(({ side, schema }) =>
    Object.keys(schema).map((type) => ({ side, type, fields: schema[type]! })),
  );

  it.each(types)('names every field of $type from the $side', ({ type, fields }) => {
    const own = sections.filter(({ heading }) => quoted(heading) === type).flatMap((section) => section.rows);
    // The fields that every envelope has may stand in one table for all.
    const documented = new Set([...own.map((row) => quoted(row[0])), ...Object.keys(common)]);
    // An object needs no row of its own where its fields have one.
    const missing = fieldPaths(fields).filter(
      (path) =>
        ![...documented].some(
          (name) => name === path || name?.startsWith(`${path}.`) || name?.startsWith(`${path}[]`),
        ),
    );
    expect(missing).toEqual([]);
  });

  it('names no type that does not exist', () => {
    const known = new Set(types.map(({ type }) => type));
    const headings = sections.flatMap(({ heading }) => /^`([^`]+)`$/.exec(heading)?.[1] ?? []);
    expect(headings.filter((type) => !known.has(type))).toEqual([]);
  });

  it('names the fields that every envelope has, and the subprotocol', () => {
    const names = rows.map((row) => quoted(row[0]));
    expect(names).toEqual(expect.arrayContaining([...fieldPaths(common), 'type']));
    expect(sections.length).toBeGreaterThan(0);
    expect(readFileSync(new URL('../../docs/PROTOCOL.md', import.meta.url), 'utf8')).toContain(subprotocol);
  });

  it.each(Object.entries(closeCodes))('names the close code %s, %i, with its action', (name, code) => {
    const row = rows.find((cells) => cells[0]?.replaceAll('`', '') === String(code));
    expect(row?.slice(1, 3).map((cell) => cell.replaceAll('`', ''))).toEqual([name, closeAction(code)]);
  });

  it.each(Object.entries(protocolLimits))('names the limit %s, %i', (name, limit) => {
    const row = rows.find((cells) => cells.some((cell) => quoted(cell) === name));
    expect(row?.map((cell) => cell.replaceAll(/[`,_]|(?<=\d) (?=\d)/g, ''))).toContain(String(limit));
  });
});
