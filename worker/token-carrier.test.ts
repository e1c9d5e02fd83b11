import { describe, expect, it } from 'vitest';
import { addressWith } from './token-carrier.ts';

const url = 'wss://hub.test/realtime?a=1';
const token = 'a+b/ü🙂?';

describe('the address of a dial', () => {
  it.each(['message', 'cookie'] as const)('holds no token with %s', (tokenBy) => {
    expect(addressWith({ url, tokenBy }, token)).toEqual({ url, protocols: [] });
  });

  it('holds it as a subprotocol of characters that one may have', () => {
    const { protocols, ...rest } = addressWith({ url, tokenBy: 'subprotocol' }, token);
    expect(rest).toEqual({ url });
    expect(protocols).toEqual([`bearer.${Buffer.from(token).toString('base64url')}`]);
  });

  it('holds it as a parameter beside the others', () => {
    const address = addressWith({ url, tokenBy: 'query' }, token);
    expect(Object.fromEntries(new URL(address.url).searchParams)).toEqual({ a: '1', token });
  });

  it('is that of the app where there is no token', () => {
    expect(addressWith({ url, tokenBy: 'query' }, undefined)).toEqual({ url, protocols: [] });
  });
});
