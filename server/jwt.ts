/** An `authenticate` for JSON Web Tokens: an entry of its own, because it needs a package that not every server has. */
export { jwtAuthenticate } from './jwt/jwt-authenticate.ts';
export type { JwkSet, JwtAlgorithm, JwtOptions } from './jwt/jwt-options.ts';
export { ConnectionError, type ConnectionErrorCode } from '../src/protocol/errors.ts';
export type { Authenticate, Identity } from './hooks.ts';
export type { PeerRequest } from './transport.ts';
