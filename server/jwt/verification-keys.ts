import type * as Jose from 'jose';
import type { JwtSettings } from './jwt-options.ts';
import * as jwtLimits from './limits.ts';

/** Verifies a token by keys that may change; rejects with an error of `jose`, or with one of the network. */
export interface VerificationKeys {
  verify(token: string, options: Jose.JWTVerifyOptions): Promise<Jose.JWTPayload>;
  /** Whether a key that is not there may have come meanwhile, and was not looked for: it is too early for that. */
  mayBeOutdated(): boolean;
}

/** The keys of the given source. */
export function verificationKeys(
  jose: typeof Jose,
  { source, keysCooldownMs }: JwtSettings,
): VerificationKeys {
  switch (source.kind) {
    case 'key': {
      const { key } = source;
      return {
        verify: async (token, options) => (await jose.jwtVerify(token, key, options)).payload,
        mayBeOutdated: () => false,
      };
    }
    case 'set': {
      const keys = jose.createLocalJWKSet(source.jwks as unknown as Jose.JSONWebKeySet);
      return {
        verify: async (token, options) => (await jose.jwtVerify(token, keys, options)).payload,
        mayBeOutdated: () => false,
      };
    }
    case 'url': {
      const keys = jose.createRemoteJWKSet(source.url, {
        timeoutDuration: jwtLimits.fetchTimeoutMs,
        cacheMaxAge: jwtLimits.keysMaxAgeMs,
        cooldownDuration: keysCooldownMs,
      });
      return {
        verify: async (token, options) => (await jose.jwtVerify(token, keys, options)).payload,
        mayBeOutdated: () => keys.coolingDown,
      };
    }
    default:
      return source satisfies never;
  }
}
