import { expect, expectOneConnection, test } from './policy-test.ts';

test.describe.configure({ timeout: 60_000 });

test('a policy without workers leads to the host page', async ({ backend, site, visit }) => {
  site.policy = "script-src 'self'; worker-src 'none'";
  const { host } = await expectOneConnection(visit, backend, {});
  expect(host).toBe('page');
});

test('Trusted Types without the policy of onesocket lead to the host page', async ({
  backend,
  site,
  visit,
}) => {
  site.policy = "require-trusted-types-for 'script'; trusted-types 'none'";
  const { host } = await expectOneConnection(visit, backend, {});
  expect(host).toBe('page');
});

test('a worker that Trusted Types refuse ends the tab with a clear error where it is the only host', async ({
  site,
  visit,
}) => {
  site.policy = "require-trusted-types-for 'script'; trusted-types 'none'";
  const tab = await visit({ options: { host: 'shared-worker' } });
  const { lastError } = await tab.reaches('closed');
  expect(lastError).toMatchObject({ code: 'host-unavailable' });
  expect(lastError?.message).toMatch(/TrustedScriptURL|Sink type mismatch violation/);
});

test('a policy by nonces allows the host page, too', async ({ backend, site, visit }) => {
  site.policy = "script-src 'nonce-onesocket'; worker-src 'none'";
  const { host } = await expectOneConnection(visit, backend, {});
  expect(host).toBe('page');
});

for (const host of ['shared-worker', 'dedicated-worker', 'page'] as const) {
  test(`a policy that blocks the connection says so with the host ${host}`, async ({ site, visit }) => {
    site.policy = "connect-src 'none'";
    const backoff = { baseMs: 10, maxMs: 20, maxAttempts: 3 };
    const tab = await visit({ options: { host, backoff } });
    const { lastError } = await tab.reaches('suspended');
    expect(lastError).toMatchObject({ code: 'disconnected', detail: '1006' });
    expect(lastError?.message).toMatch(/content security policy|NS_ERROR_CONTENT_BLOCKED/);
  });
}
