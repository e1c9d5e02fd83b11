import type { ErrorData } from '../../src/protocol/errors.ts';

/** The first message; or with the upgrade, which a server has to be told to expect. */
export type TokenCarrier = 'message' | 'subprotocol' | 'query' | 'cookie';

/** The token, with its end in milliseconds since the Unix epoch where the app says; or why its `auth` gave none. */
export type TokenReply =
  | { readonly token: string; readonly expiresAt?: number | undefined }
  | { readonly error: ErrorData };
