import type * as Jose from 'jose';
import * as protocolLimits from '../../src/protocol/limits.ts';
import type { Authenticate, Identity } from '../hooks.ts';
import { invalid } from '../invalid.ts';
import { RequestError } from '../request-error.ts';
import { resolveJwtOptions, type JwtOptions, type JwtSettings } from './jwt-options.ts';
import { verificationKeys } from './verification-keys.ts';

/**
 * Makes an `authenticate` that checks JSON Web Tokens (RFC 7519). `exp` has to be there, and becomes `expiresAt`, later by
 * the tolerance; a claim becomes the identity, and all others the `claims` that the other hooks get.
 *
 * A token that is refused closes 4401 with a reason that quotes nothing of it; an expired one closes 4419, on which the
 * client comes back with a new one; and where the keys cannot be had, 1013, on which it tries again later. Needs the package
 * `jose`, which the app installs.
 *
 * @throws ConnectionError `invalid-option` (an option; a key set that is none; `jose` is not installed)
 * @example
 * const authenticate = await jwtAuthenticate({
 *   jwksUrl: 'https://login.example/.well-known/jwks.json',
 *   issuer: 'https://login.example/',
 *   audience: 'realtime',
 *   algorithms: ['ES256'],
 * });
 * const server = createServer({ authenticate });
 */
export async function jwtAuthenticate(options: JwtOptions): Promise<Authenticate> {
  const settings = resolveJwtOptions(options);
  const jose = await loadJose();
  const keys = keysOf(jose, settings);
  const { algorithms, issuer, audience, toleranceSeconds: clockTolerance, identityClaim } = settings;
  const checks = {
    algorithms,
    clockTolerance,
    requiredClaims: ['exp', identityClaim],
    ...(issuer && { issuer }),
    ...(audience && { audience }),
  };
  return async ({ token }) => {
    const mayBeOutdated = keys.mayBeOutdated();
    try {
      return identityOf(await keys.verify(token, checks), settings);
    } catch (reason) {
      // Signature, issuer and audience are right. The server sees that it has expired, and says so.
      if (reason instanceof jose.errors.JWTExpired) return identityOf(reason.payload, settings);
      throw refusalOf(jose.errors, reason, mayBeOutdated);
    }
  };
}

async function loadJose(): Promise<typeof Jose> {
  try {
    return await import('jose');
  } catch (reason) {
    throw Object.assign(invalid('jwtAuthenticate needs the package jose: npm install jose'), {
      cause: reason,
    });
  }
}

function keysOf(jose: typeof Jose, settings: JwtSettings) {
  try {
    return verificationKeys(jose, settings);
  } catch (reason) {
    throw Object.assign(invalid('jwks must be a JSON Web Key Set'), { cause: reason });
  }
}

function identityOf(payload: Jose.JWTPayload, { identityClaim, toleranceSeconds }: JwtSettings): Identity {
  const { [identityClaim]: identity, exp, ...claims } = payload;
  const isName =
    typeof identity === 'string' &&
    identity !== '' &&
    identity.length <= protocolLimits.topicLength &&
    !identity.includes('\0');
  if (!isName) throw refused('the token names nobody');
  const expiresAt = Math.ceil((exp! + toleranceSeconds) * 1_000);
  return Number.isSafeInteger(expiresAt) ? { identity, expiresAt, claims } : { identity, claims };
}

/** What the client is told: a text of ours, for those of libraries quote. */
function refusalOf(errors: typeof Jose.errors, reason: unknown, mayBeOutdated: boolean): RequestError {
  if (reason instanceof RequestError) return reason;
  if (reason instanceof errors.JWTClaimValidationFailed) return refused(claimReason(reason.claim));
  if (reason instanceof errors.JWSSignatureVerificationFailed)
    return refused('the signature of the token is wrong');
  if (reason instanceof errors.JOSEAlgNotAllowed || reason instanceof errors.JOSENotSupported)
    return refused('the algorithm of the token is not allowed');
  if (reason instanceof errors.JWKSNoMatchingKey || reason instanceof errors.JWKSMultipleMatchingKeys)
    return mayBeOutdated ? unavailable() : refused('the token is signed with an unknown key');
  if (reason instanceof errors.JWSInvalid || reason instanceof errors.JWTInvalid)
    return refused('the token is not a JSON Web Token');
  // What is left is the way to the keys, or what came from there.
  return unavailable();
}

function claimReason(claim: string): string {
  switch (claim) {
    case 'iss':
      return 'the token is of another issuer';
    case 'aud':
      return 'the token is for another audience';
    case 'nbf':
      return 'the token is not valid yet';
    case 'exp':
      return 'the token has no expiry';
    default:
      return 'the token names nobody';
  }
}

const refused = (message: string): RequestError => new RequestError('unauthenticated', message);
const unavailable = (): RequestError =>
  new RequestError('unavailable', 'the keys for the token cannot be had now', { retryable: true });
