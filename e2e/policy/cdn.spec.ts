import { expect, expectOneConnection, test } from './policy-test.ts';

test.describe.configure({ timeout: 60_000 });

const worker = '/onesocket-worker.js';

for (const host of [undefined, 'shared-worker', 'dedicated-worker', 'page'] as const) {
  const named = host === undefined ? 'the host that it finds' : `the host ${host}`;
  test(`a script tag from a CDN and a stub of one line share one connection with ${named}`, async ({
    backend,
    visit,
    complaints,
  }) => {
    const spec = { load: 'cdn', options: { worker, ...(host && { host }) } } as const;
    const status = await expectOneConnection(visit, backend, spec);
    expect(status.host).toBe(host ?? 'shared-worker');
    expect(complaints).toEqual([]);
  });
}

test('a strict policy that names the CDN is not violated', async ({ backend, site, visit, complaints }) => {
  site.policy = [
    "default-src 'none'",
    `script-src 'self' ${site.cdn}`,
    // The stub is a worker's script, and so is what it imports.
    `worker-src 'self' ${site.cdn}`,
    `connect-src ${new URL(backend.url).origin}`,
    "require-trusted-types-for 'script'",
    'trusted-types onesocket',
  ].join('; ');
  const { host } = await expectOneConnection(visit, backend, { load: 'cdn', options: { worker } });
  expect(host).toBe('shared-worker');
  expect(complaints).toEqual([]);
  expect(site.reports).toEqual([]);
});

test('without the stub a page takes the script from the CDN as its host', async ({ backend, visit }) => {
  const { host } = await expectOneConnection(visit, backend, { load: 'cdn' });
  expect(host).toBe('page');
});
