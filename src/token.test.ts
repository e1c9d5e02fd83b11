import { describe, expect, it } from 'vitest';
import { readToken } from './token.ts';

describe('the token', () => {
  it.each([
    ['the option itself', 'secret'],
    ['what a function gives', () => 'secret'],
    ['what a promise gives', async () => 'secret'],
  ])('is %s', async (_, auth) => {
    expect(await readToken(auth)).toEqual({ token: 'secret' });
  });

  it.each([
    ['nothing', undefined],
    ['an empty string', () => ''],
    ['another type', (() => 5) as unknown as () => string],
  ])('is an error where auth gives %s', async (_, auth) => {
    expect(await readToken(auth)).toMatchObject({ error: { code: 'auth-failed', retryable: false } });
  });

  it('comes with its end where the app says so', async () => {
    const token = { token: 'secret', expiresAt: 5 };
    expect(await readToken(token)).toEqual(token);
    expect(await readToken(async () => token)).toEqual(token);
    expect(await readToken(() => ({ token: 'x', expiresAt: 'soon' }) as never)).toMatchObject({
      error: { message: 'expiresAt is no number' },
    });
  });

  it.each([
    ['message', 'x'.repeat(8192), 'x'.repeat(8193)],
    ['subprotocol', 'x'.repeat(6144), 'x'.repeat(6145)],
    ['subprotocol', '\u{1f642}', '\ud83d'],
    ['query', 'x'.repeat(8192), '/'.repeat(2731)],
    ['query', '\u{1f642}', '\ud83d'],
  ] as const)('is an error where it does not fit %s', async (carrier, fits, doesNot) => {
    expect(await readToken(fits, carrier)).toEqual({ token: fits });
    const { error } = (await readToken(doesNot, carrier)) as { error: { message: string } };
    expect(error.message).toContain(`does not fit tokenBy: '${carrier}'`);
    expect(error.message).not.toContain(doesNot.slice(0, 9));
  });

  it('is an error that may pass where auth throws or rejects', async () => {
    const throws = () => {
      throw new Error('offline');
    };
    for (const auth of [throws, async () => throws()]) {
      const reply = await readToken(auth);
      expect(reply).toMatchObject({ error: { code: 'auth-failed', retryable: true } });
      expect(JSON.stringify(reply)).toContain('offline');
    }
  });
});
