import { createHash, timingSafeEqual } from 'node:crypto';
import { invalid } from '../invalid.ts';
import { adminSecretLength } from '../limits.ts';

/** Says whether an `Authorization` header has the secret. */
export type SecretCheck = (authorization: string | undefined) => boolean;

/**
 * Makes a check that takes the same time for every guess: digests are compared, so not even the length shows.
 *
 * @throws ConnectionError `invalid-option`
 */
export function secretCheck(secret: unknown): SecretCheck {
  if (typeof secret !== 'string' || secret.length < adminSecretLength)
    throw invalid(`the secret of the admin interface has at least ${adminSecretLength} characters`);
  if (!/^[\x21-\x7e]+$/.test(secret))
    throw invalid(
      'the secret of the admin interface has to fit into a header: printable ASCII without spaces',
    );
  const expected = digest(secret);
  return (authorization) => {
    const [scheme, token, ...more] = (authorization ?? '').split(' ');
    const isBearer = scheme?.toLowerCase() === 'bearer' && more.length === 0;
    return timingSafeEqual(digest(token ?? ''), expected) && isBearer;
  };
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
