import { expect, expectOneConnection, test } from './policy-test.ts';

test.describe.configure({ timeout: 60_000 });

const hosts = ['shared-worker', 'dedicated-worker', 'page'] as const;

/** As strict as it can be where a page has scripts, workers and a server at all. */
const strictPolicy = (server: string): string =>
  [
    "default-src 'none'",
    "script-src 'self'",
    "worker-src 'self'",
    `connect-src 'self' ${new URL(server).origin}`,
    "require-trusted-types-for 'script'",
    'trusted-types onesocket',
  ].join('; ');

for (const load of ['classic', 'module'] as const) {
  for (const host of [undefined, ...hosts]) {
    const named = host === undefined ? 'the host that it finds' : `the host ${host}`;
    test(`a ${load} script violates no strict policy with ${named}`, async ({
      backend,
      site,
      visit,
      complaints,
    }) => {
      site.policy = strictPolicy(backend.url);
      const spec = { load, options: host ? { host } : {} };
      const status = await expectOneConnection(visit, backend, spec);
      expect(status.host).toBe(host ?? 'shared-worker');
      expect(complaints).toEqual([]);
      expect(site.reports).toEqual([]);
    });
  }
}
