import { describe, expect, it } from 'vitest';
import { withoutToken } from './redact.ts';
import { takeUpgradeToken } from './upgrade-token.ts';
import type { PeerRequest } from './transport.ts';
import type { TokenCarriers } from './tokens.ts';

const all: TokenCarriers = { subprotocol: true, query: 'token', cookie: 'session' };
const bearer = (text: string) => `bearer.${Buffer.from(text).toString('base64url')}`;

const take = (request: Partial<PeerRequest>, carriers = all) =>
  takeUpgradeToken({ headers: {}, url: '/realtime', remoteAddress: undefined, ...request }, carriers);
const protocols = (...names: string[]) => ({ headers: { 'sec-websocket-protocol': names.join(', ') } });

describe('the token of an upgrade', () => {
  it.each<[string, Partial<PeerRequest>, string]>([
    ['a subprotocol', protocols('onesocket.v1', bearer('secret')), 'secret'],
    ['a subprotocol before the other', protocols(bearer('secret'), 'onesocket.v1'), 'secret'],
    ['text that is not ASCII', protocols(bearer('sécret ☃ 🙂')), 'sécret ☃ 🙂'],
    ['a parameter', { url: '/realtime?a=1&token=se%2Fcret%20x' }, 'se/cret x'],
    ['a parameter whose name is encoded', { url: '/realtime?%74oken=secret' }, 'secret'],
    ['a cookie', { headers: { cookie: 'a=1; session=secret; b=2' } }, 'secret'],
    ['a cookie in quotes', { headers: { cookie: 'session="secret"' } }, 'secret'],
    ['an encoded cookie', { headers: { cookie: 'session=s%3Acret' } }, 's:cret'],
    ['a cookie with a percent sign of its own', { headers: { cookie: 'session=100%' } }, '100%'],
    [
      'a cookie of the same name, the nearest path first',
      { headers: { cookie: 'session=new; session=old' } },
      'new',
    ],
  ])('is that of %s', (_, request, token) => {
    expect(take(request).upgradeToken).toEqual({ token });
  });

  it('is what the page chose before what comes along by itself', () => {
    const cookie = 'session=cookie';
    const headers = { cookie, ...protocols(bearer('protocol')).headers };
    expect(take({ headers, url: '/?token=query' }).upgradeToken).toEqual({ token: 'protocol' });
    expect(take({ headers: { cookie }, url: '/?token=query' }).upgradeToken).toEqual({ token: 'query' });
    expect(take({ headers: { cookie } }).upgradeToken).toEqual({ token: 'cookie' });
  });

  it.each<[string, Partial<PeerRequest>]>([
    ['no carrier', {}],
    ['an empty parameter', { url: '/?token=' }],
    ['an empty cookie', { headers: { cookie: 'session=; sessions=x; xsession=y' } }],
  ])('is missing with %s', (_, request) => {
    expect(take(request).upgradeToken).toBeUndefined();
  });

  it.each<[string, Partial<PeerRequest>]>([
    ['no base64url', protocols('bearer.a+b')],
    ['nothing behind the dot', protocols('bearer.')],
    ['two tokens', protocols(bearer('one'), bearer('two'))],
    ['bytes that are no text', protocols(`bearer.${Buffer.from([0xff, 0xfe]).toString('base64url')}`)],
    ['too many characters', { url: `/?token=${'x'.repeat(8193)}` }],
  ])('is a problem with %s', (_, request) => {
    expect(take(request).upgradeToken).toEqual({ problem: 'the token of the upgrade is malformed' });
  });

  it('is not looked for where the server does not say so', () => {
    const request = { headers: { cookie: 'session=a', ...protocols(bearer('b')).headers }, url: '/?token=c' };
    expect(take(request, {}).upgradeToken).toBeUndefined();
  });

  it('is nowhere in the request that remains, which is otherwise as it was', () => {
    const headers = {
      cookie: 'a=1; session=canary; b=2',
      host: 'h',
      ...protocols('onesocket.v1', bearer('canary')).headers,
    };
    expect(take({ headers, url: '/realtime?a=%20b&token=canary&c' }).request).toEqual({
      headers: {
        cookie: 'a=1; session=[token]; b=2',
        host: 'h',
        'sec-websocket-protocol': 'onesocket.v1, bearer.[token]',
      },
      url: '/realtime?a=%20b&token=[token]&c',
      remoteAddress: undefined,
    });
    expect(headers.cookie).toContain('canary');
  });
});

describe('a text about a token', () => {
  const token = 'header.payload/signature+';

  it.each([
    [`cannot verify ${token}!`, 'cannot verify [token]!'],
    [`Unexpected "header.payl"... is no JSON`, 'Unexpected "[token]"... is no JSON'],
    [`GET /?token=${encodeURIComponent(token)} failed`, 'GET /?token=[token] failed'],
    [`offered ${bearer(token)}`, 'offered bearer.[token]'],
    ['the header is wrong', 'the header is wrong'],
    ['', ''],
  ])('%j becomes %j', (text, without) => {
    expect(withoutToken(text, token)).toBe(without);
  });

  it('hides a short token whole', () => {
    expect(withoutToken('bad token abc', 'abc')).toBe('bad token [token]');
  });
});
