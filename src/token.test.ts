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
