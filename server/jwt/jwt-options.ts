import { KeyObject } from 'node:crypto';
import { isRecord } from '../../src/protocol/field.ts';
import { timerMsMax } from '../clock.ts';
import { checkInteger, invalid } from '../invalid.ts';
import * as jwtLimits from './limits.ts';

/** Signatures that can be allowed. `none` is not among them. */
const asymmetric = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
] as const;
const symmetric = ['HS256', 'HS384', 'HS512'] as const;

/** How a token may be signed (RFC 7518, section 3.1, and RFC 9864). */
export type JwtAlgorithm = (typeof asymmetric)[number] | (typeof symmetric)[number];

/** Public keys as an issuer publishes them (RFC 7517, section 5). */
export interface JwkSet {
  readonly keys: readonly { readonly kty?: string; readonly [member: string]: unknown }[];
}

/** Options of `jwtAuthenticate`. Exactly one of `jwksUrl`, `jwks` and `key` is given. */
export interface JwtOptions {
  /**
   * Where the issuer publishes its keys. They are fetched when first needed, again after 10 minutes, and when a token names
   * a key that is not among them, though not twice within `keysCooldownMs`. `https:`, or `http:` to this machine.
   */
  readonly jwksUrl?: string | URL;
  /** The keys themselves. */
  readonly jwks?: JwkSet;
  /** The one public key; or, for the algorithms HS256 to HS512, the secret, of 32 bytes or more. */
  readonly key?: KeyObject | Uint8Array;
  /** What `iss` has to be, or one of these. Null, on purpose: anybody who has the key. */
  readonly issuer: string | readonly string[] | null;
  /** What `aud` has to contain, or one of these. Null, on purpose: tokens for other services are taken, too. */
  readonly audience: string | readonly string[] | null;
  /** The algorithms that are allowed: a token cannot choose another. */
  readonly algorithms: readonly JwtAlgorithm[];
  /** Milliseconds by which the clocks of issuer and server may differ, rounded up to seconds. Default 5,000. */
  readonly clockToleranceMs?: number;
  /** The claim that is the identity. Default `sub`. */
  readonly identityClaim?: string;
  /** Milliseconds in which the keys of `jwksUrl` are fetched no second time for an unknown key. Default 30,000. */
  readonly keysCooldownMs?: number;
}

/** Where the keys come from. */
type KeySource =
  | { readonly kind: 'url'; readonly url: URL }
  | { readonly kind: 'set'; readonly jwks: JwkSet }
  | { readonly kind: 'key'; readonly key: KeyObject | Uint8Array };

/** Checked options, with every default in place. */
export interface JwtSettings {
  readonly source: KeySource;
  readonly issuer: string[] | undefined;
  readonly audience: string[] | undefined;
  readonly algorithms: string[];
  readonly toleranceSeconds: number;
  readonly identityClaim: string;
  readonly keysCooldownMs: number;
}

/** Checks the options; throws a `ConnectionError` with the code `invalid-option`. */
export function resolveJwtOptions(options: JwtOptions): JwtSettings {
  const given: unknown = options;
  if (!isRecord(given)) throw invalid('the options must be an object');
  const {
    identityClaim = 'sub',
    clockToleranceMs = jwtLimits.clockToleranceMs,
    keysCooldownMs = jwtLimits.keysCooldownMs,
  } = options;
  if (typeof identityClaim !== 'string' || identityClaim === '')
    throw invalid('identityClaim must be a name');
  if (clockToleranceMs !== 0) checkInteger('clockToleranceMs', clockToleranceMs, timerMsMax);
  checkInteger('keysCooldownMs', keysCooldownMs, timerMsMax);
  const source = sourceOf(options);
  return {
    source,
    issuer: names('issuer', options.issuer),
    audience: names('audience', options.audience),
    algorithms: algorithmsFor(source, options.algorithms),
    toleranceSeconds: Math.ceil(clockToleranceMs / 1_000),
    identityClaim,
    keysCooldownMs,
  };
}

function sourceOf({ jwksUrl, jwks, key }: JwtOptions): KeySource {
  const count = [jwksUrl, jwks, key].filter((source) => source !== undefined).length;
  if (count !== 1) throw invalid('exactly one of jwksUrl, jwks and key must be given');
  if (jwksUrl !== undefined) return { kind: 'url', url: keysUrl(jwksUrl) };
  if (jwks !== undefined) return { kind: 'set', jwks };
  const isSecret = key instanceof Uint8Array || (key instanceof KeyObject && key.type === 'secret');
  if (!isSecret && !(key instanceof KeyObject && key.type === 'public'))
    throw invalid('key must be a public key as a KeyObject, or a secret');
  const bytes = key instanceof Uint8Array ? key.byteLength : (key.symmetricKeySize ?? Infinity);
  if (bytes < jwtLimits.secretBytesMin)
    throw invalid(`key must be a secret of ${jwtLimits.secretBytesMin} bytes or more`);
  return { kind: 'key', key };
}

/** Who can change the keys on their way can make tokens. */
function keysUrl(given: string | URL): URL {
  const url = URL.canParse(String(given)) ? new URL(given) : undefined;
  const isHere = url?.protocol === 'http:' && /^(localhost|127\.[\d.]+|\[::1\])$/.test(url.hostname);
  if (!url || (url.protocol !== 'https:' && !isHere))
    throw invalid('jwksUrl must be an https: URL, or an http: URL of this machine');
  return url;
}

function names(option: string, given: string | readonly string[] | null): string[] | undefined {
  if (given === null) return undefined;
  const list: readonly unknown[] = Array.isArray(given) ? given : [given];
  if (list.length > 0 && list.every((name) => typeof name === 'string' && name !== ''))
    return list as string[];
  throw invalid(`${option} must be a string, a list of strings, or null to take any`);
}

/** A public key must never serve as a secret: everybody has it, and could sign with it. */
function algorithmsFor(source: KeySource, given: readonly unknown[]): string[] {
  if (!Array.isArray(given) || given.length === 0) throw invalid('algorithms must be a list of algorithms');
  const isSecret =
    source.kind === 'key' && (source.key instanceof Uint8Array || source.key.type === 'secret');
  const fitting: readonly unknown[] = isSecret ? symmetric : asymmetric;
  const wrong: unknown = given.find((algorithm) => !fitting.includes(algorithm));
  if (wrong !== undefined) {
    const kind = isSecret ? 'a secret' : 'public keys';
    throw invalid(`algorithms: ${String(wrong)} is none for ${kind} (${fitting.join(', ')})`);
  }
  return given as string[];
}
