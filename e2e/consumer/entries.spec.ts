import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from '@playwright/test';
import { FreshApp } from './fresh-app.ts';

const installDeadlineMs = 180_000;
const peers = ['@opentelemetry/api', 'jose', 'lmdb', 'prom-client'];

interface Manifest {
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
}

test.describe.configure({ mode: 'serial' });

test.describe('the packed package in a Node app', () => {
  let app: FreshApp;
  let manifest: Manifest;

  test.beforeAll(async () => {
    test.setTimeout(installDeadlineMs);
    app = await FreshApp.create(['@types/node']);
    const text = readFileSync(app.path('node_modules/onesocket/package.json'), 'utf8');
    manifest = JSON.parse(text) as Manifest;
  });

  test.afterAll(async () => {
    await app?.remove();
  });

  test('has every file that its exports name', () => {
    const missing = Object.entries(manifest.exports).flatMap(([entry, targets]) =>
      Object.values(typeof targets === 'string' ? { targets } : targets)
        .filter((target) => !existsSync(app.path('node_modules/onesocket', target)))
        .map((target) => `the entry ${entry} needs ${target}, which is not in the package`),
    );
    expect(missing).toEqual([]);
  });

  test('runs without its optional packages, and each entry that needs one says which', async () => {
    const lmdb = 'fileBackbone needs the package lmdb: npm install lmdb';
    const jose = 'jwtAuthenticate needs the package jose: npm install jose';
    expect(Object.keys(manifest.peerDependencies).toSorted()).toEqual(peers);
    expect(await app.run('without-peers.js')).toEqual({
      server: 'works',
      file: lmdb,
      jwt: jose,
      metrics: expect.stringContaining("Cannot find package 'prom-client'"),
      tracing: expect.stringContaining("Cannot find package '@opentelemetry/api'"),
    });
  });

  test('gives every entry of its exports to an app with types, which runs', async () => {
    test.setTimeout(installDeadlineMs);
    await app.install(peers);
    const source = readFileSync(app.path('use-entries.ts'), 'utf8');
    const unused = Object.keys(manifest.exports)
      .map((entry) => entry.replace('.', 'onesocket'))
      .filter((entry) => !source.includes(`from '${entry}'`));
    expect(unused, 'entries that the app does not import').toEqual([]);
    await app.compile();
    const { identity, ...result } = await app.run('out/use-entries.js');
    expect(identity).toMatchObject({ identity: 'ada' });
    expect(result).toEqual({
      name: 'onesocket',
      browserFiles: true,
      connect: 'function',
      error: 'function',
      offset: 1,
      hasMetrics: true,
    });
  });
});
