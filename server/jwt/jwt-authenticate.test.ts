import { createPublicKey, createSecretKey, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT, type CryptoKey, type JWK } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import type { AuthorizeQuestion } from '../index.ts';
import { jwtAuthenticate, type JwtOptions } from '../jwt.ts';
import { startServer, type RunningServer } from '../test-kit.ts';

const issuer = 'https://login.example/';
const audience = 'realtime';

interface Keys {
  readonly kid: string;
  readonly privateKey: CryptoKey;
  readonly jwk: JWK;
}

async function makeKeys(kid: string, alg = 'ES256'): Promise<Keys> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  return { kid, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg } };
}

const soon = () => Math.floor(Date.now() / 1000) + 600;

/** A token; `claims` with the value undefined are left out. */
async function sign(
  { kid, privateKey, jwk }: Keys,
  claims: object = {},
  header: object = {},
): Promise<string> {
  const payload = { iss: issuer, aud: audience, sub: 'ada', exp: soon(), ...claims };
  const given = Object.fromEntries(Object.entries(payload).filter(([, value]) => value !== undefined));
  return new SignJWT(given).setProtectedHeader({ alg: jwk.alg!, kid, ...header }).sign(privateKey);
}

/** What a server with these options makes of a token: the identity, or how it closes. */
async function fateOf(running: RunningServer, token: string): Promise<unknown> {
  const client = await running.client();
  client.sendHello({ token });
  const opened = client.one('auth-ok').then(
    ({ payload }) => payload,
    () => client.closed,
  );
  const fate = await opened;
  client.socket.terminate();
  return fate;
}

let first: Keys;
let second: Keys;
let rsa: Keys;
beforeAll(async () => {
  [first, second, rsa] = [await makeKeys('first'), await makeKeys('second'), await makeKeys('rsa', 'RS256')];
});

const options = (more: Partial<JwtOptions> = {}): JwtOptions => ({
  ...(!more.jwksUrl && !more.key && { jwks: { keys: [first.jwk, rsa.jwk] } }),
  issuer,
  audience,
  algorithms: ['ES256'],
  ...more,
});
const start = async (more: Partial<JwtOptions> = {}) =>
  startServer({ authenticate: await jwtAuthenticate(options(more)) });

describe('a JSON Web Token', () => {
  it('gives identity, expiry and the other claims', async () => {
    const questions: AuthorizeQuestion[] = [];
    const authenticate = await jwtAuthenticate(options());
    await using running = await startServer({ authenticate, authorize: (asked) => !!questions.push(asked) });
    const exp = soon();
    const client = await running.client({ hello: { token: await sign(first, { exp, role: 'admin' }) } });
    expect(client.all('auth-ok')[0]!.payload).toEqual({ identity: 'ada', expiresAt: exp * 1000 + 5_000 });
    await client.subscribe('t');
    const claims = { iss: issuer, aud: audience, role: 'admin' };
    expect(questions).toEqual([{ identity: 'ada', claims, action: 'subscribe', topic: 't' }]);
  });

  it.each<[string, () => Promise<string>, number, string]>([
    [
      'another issuer',
      () => sign(first, { iss: 'https://evil.example/' }),
      4401,
      'the token is of another issuer',
    ],
    ['another audience', () => sign(first, { aud: 'billing' }), 4401, 'the token is for another audience'],
    ['no audience', () => sign(first, { aud: undefined }), 4401, 'the token is for another audience'],
    ['no expiry', () => sign(first, { exp: undefined }), 4401, 'the token has no expiry'],
    ['no subject', () => sign(first, { sub: undefined }), 4401, 'the token names nobody'],
    ['an empty subject', () => sign(first, { sub: '' }), 4401, 'the token names nobody'],
    ['a begin in the future', () => sign(first, { nbf: soon() }), 4401, 'the token is not valid yet'],
    ['an end in the past', () => sign(first, { exp: soon() - 700 }), 4419, 'the token has expired'],
    ['an unknown key', () => sign(second), 4401, 'the token is signed with an unknown key'],
    [
      'the signature of another key',
      () => sign(second, {}, { kid: 'first' }),
      4401,
      'the signature of the token is wrong',
    ],
    ['another algorithm', () => sign(rsa), 4401, 'the algorithm of the token is not allowed'],
    [
      'no signature',
      async () =>
        new UnsecuredJWT({ sub: 'ada' })
          .setIssuer(issuer)
          .setAudience(audience)
          .setExpirationTime('1h')
          .encode(),
      4401,
      'the algorithm of the token is not allowed',
    ],
    ['other text', async () => 'no.token', 4401, 'the token is not a JSON Web Token'],
  ])('with %s is closed', async (_, make, code, reason) => {
    await using running = await start();
    const token = await make();
    expect(await fateOf(running, token)).toEqual({ code, reason });
    expect(running.logger.lines.join()).not.toContain(token.slice(0, 8));
  });

  it('cannot make a secret of a public key', async () => {
    await using running = await start();
    const secret = createSecretKey(Buffer.from(JSON.stringify(first.jwk)));
    const token = await new SignJWT({ iss: issuer, aud: audience, sub: 'ada', exp: soon() })
      .setProtectedHeader({ alg: 'HS256', kid: 'first' })
      .sign(secret);
    expect(await fateOf(running, token)).toMatchObject({ code: 4401 });
  });

  it('may have ended within the tolerance', async () => {
    await using running = await start({ clockToleranceMs: 60_000 });
    expect(await fateOf(running, await sign(first, { exp: soon() - 605 }))).toMatchObject({
      identity: 'ada',
    });
  });

  it('can name the user in another claim', async () => {
    await using running = await start({ identityClaim: 'email' });
    expect(await fateOf(running, await sign(first, { email: 'ada@example.com' }))).toMatchObject({
      identity: 'ada@example.com',
    });
    expect(await fateOf(running, await sign(first))).toMatchObject({ reason: 'the token names nobody' });
  });

  it('is checked by a key alone: a public one, or a secret', async () => {
    await using publicly = await start({
      key: createPublicKey({ key: first.jwk as never, format: 'jwk' }),
    });
    expect(await fateOf(publicly, await sign(first))).toMatchObject({ identity: 'ada' });
    const key = new Uint8Array(randomBytes(32));
    await using secretly = await start({ key, algorithms: ['HS256'], issuer: null, audience: null });
    const token = await new SignJWT({ sub: 'ada', exp: soon() })
      .setProtectedHeader({ alg: 'HS256' })
      .sign(key);
    expect(await fateOf(secretly, token)).toMatchObject({ identity: 'ada' });
  });
});

/** An issuer that publishes keys over HTTP, counts how often they are fetched, and can fail. */
async function publish(keys: Keys[]) {
  const state = { keys, fetched: 0, status: 200 };
  const server = createHttpServer((_request, response) => {
    state.fetched++;
    response.writeHead(state.status, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ keys: state.keys.map(({ jwk }) => jwk) }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const jwksUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`;
  const close = async () => {
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  };
  return {
    state,
    jwksUrl,
    close,
    [Symbol.asyncDispose]: async () => void (server.listening && (await close())),
  };
}

describe('published keys', () => {
  const unavailable = { code: 1013, reason: 'the keys for the token cannot be had now' };

  it('are fetched once for many tokens', async () => {
    await using jwks = await publish([first]);
    await using running = await start({ jwksUrl: jwks.jwksUrl });
    const token = await sign(first);
    for (let count = 0; count < 3; count++) {
      expect(await fateOf(running, token)).toMatchObject({ identity: 'ada' });
    }
    expect(jwks.state.fetched).toBe(1);
  });

  it('are fetched again for a new one, as after a rotation, and an old one counts no more', async () => {
    await using jwks = await publish([first]);
    await using running = await start({ jwksUrl: jwks.jwksUrl, keysCooldownMs: 1 });
    expect(await fateOf(running, await sign(first))).toMatchObject({ identity: 'ada' });
    jwks.state.keys = [second];
    expect(await fateOf(running, await sign(second))).toMatchObject({ identity: 'ada' });
    expect(await fateOf(running, await sign(first))).toMatchObject({ code: 4401 });
  });

  it('that came just now make an unknown key no refusal for good, and are not fetched for each', async () => {
    await using jwks = await publish([first]);
    await using running = await start({ jwksUrl: jwks.jwksUrl });
    expect(await fateOf(running, await sign(first))).toMatchObject({ identity: 'ada' });
    for (let count = 0; count < 3; count++) {
      expect(await fateOf(running, await sign(second))).toEqual(unavailable);
    }
    expect(jwks.state.fetched).toBe(1);
  });

  it('that cannot be fetched close 1013, with a line in the log, until they can', async () => {
    await using jwks = await publish([first]);
    await using running = await start({ jwksUrl: jwks.jwksUrl });
    jwks.state.status = 503;
    const token = await sign(first);
    expect(await fateOf(running, token)).toEqual(unavailable);
    expect(running.logger.lines.filter((line) => line.startsWith('warn'))).toHaveLength(1);
    jwks.state.status = 200;
    expect(await fateOf(running, token)).toMatchObject({ identity: 'ada' });
  });

  it('of a server that is down, or that are none, close 1013', async () => {
    await using jwks = await publish([first]);
    await using running = await start({ jwksUrl: jwks.jwksUrl });
    jwks.state.keys = [{ ...first, jwk: 5 as never }];
    expect(await fateOf(running, await sign(first))).toEqual(unavailable);
    await jwks.close();
    expect(await fateOf(running, await sign(first))).toEqual(unavailable);
  });
});

describe('an option of jwtAuthenticate', () => {
  const jwksUrl = 'https://login.example/jwks.json';
  const key = new Uint8Array(32);
  it.each<[string, object, string]>([
    ['no source of keys', { jwks: undefined }, 'exactly one of'],
    ['two sources', { jwksUrl, key }, 'exactly one of'],
    ['plain HTTP', { jwksUrl: 'http://login.example/jwks.json' }, 'jwksUrl must be an https: URL'],
    ['no URL', { jwksUrl: 'jwks' }, 'jwksUrl must be'],
    ['a set that is none', { jwks: { keys: 5 } }, 'jwks must be a JSON Web Key Set'],
    ['no algorithms', { algorithms: [] }, 'algorithms must be a list'],
    ['none', { algorithms: ['none'] }, 'none is none for public keys'],
    ['a secret algorithm for public keys', { algorithms: ['HS256'] }, 'HS256 is none for public keys'],
    ['a public algorithm for a secret', { key, algorithms: ['ES256'] }, 'ES256 is none for a secret'],
    ['a short secret', { key: new Uint8Array(31), algorithms: ['HS256'] }, '32 bytes or more'],
    ['a text as the key', { key: 'secret' }, 'key must be a public key'],
    ['no issuer', { issuer: undefined }, 'issuer must be'],
    ['an empty audience', { audience: [] }, 'audience must be'],
    ['no name of a claim', { identityClaim: '' }, 'identityClaim'],
    ['a negative tolerance', { clockToleranceMs: -1 }, 'clockToleranceMs'],
  ])('is refused: %s', async (_, more, message) => {
    await expect(jwtAuthenticate(options(more as Partial<JwtOptions>))).rejects.toThrow(message);
  });
});
