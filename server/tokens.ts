import { ConnectionError, errorData } from '../src/protocol/errors.ts';
import { isRecord } from '../src/protocol/field.ts';

/**
 * How a token may come with the upgrade, for clients that cannot, or should not, send it as the first message. That way
 * is always open, and what comes by it counts more than what came with the upgrade.
 */
export interface TokenCarriers {
  /** As the subprotocol `bearer.<token in base64url without padding>`, beside `onesocket.v1`. Default false. */
  readonly subprotocol?: boolean;
  /**
   * In the cookie of this name. Needs `origins`: browsers send cookies along whichever page opens the WebSocket.
   * Default: none.
   */
  readonly cookie?: string;
  /**
   * In the query parameter of this name. The URL, and so the token, ends up in the logs of proxies and in the browser's
   * console: use it only where nothing else works, with tokens that live for seconds. Default: none.
   */
  readonly query?: string;
}

/** Characters that the name of a cookie may have (RFC 6265, section 4.1.1: a token of HTTP). */
const cookieName = /^[\w!#$%&'*+.^`|~-]+$/;

/** Checks the option `tokens`; throws a `ConnectionError` with the code `invalid-option`. */
export function checkTokens(
  given: TokenCarriers = {},
  { origins, authenticate }: { readonly origins?: unknown; readonly authenticate?: unknown },
): TokenCarriers {
  if (!isRecord(given)) throw invalid('tokens must be an object');
  const { subprotocol, cookie, query, ...others }: TokenCarriers = given;
  const [unknown] = Object.keys(others);
  if (unknown) throw invalid(`unknown option tokens.${unknown}`);
  if (subprotocol !== undefined && typeof subprotocol !== 'boolean')
    throw invalid('tokens.subprotocol must be a boolean');
  if (cookie !== undefined && (typeof cookie !== 'string' || !cookieName.test(cookie)))
    throw invalid('tokens.cookie must be the name of a cookie');
  if (query !== undefined && (typeof query !== 'string' || query === ''))
    throw invalid('tokens.query must be the name of a query parameter');
  if (cookie !== undefined && origins === undefined) {
    throw invalid('tokens.cookie needs origins: any page can open a WebSocket, and the cookie comes along');
  }
  const isUsed = subprotocol || cookie !== undefined || query !== undefined;
  if (isUsed && authenticate === undefined) throw invalid('tokens needs authenticate, which checks them');
  return given;
}

const invalid = (message: string): ConnectionError =>
  new ConnectionError(errorData('invalid-option', message));
