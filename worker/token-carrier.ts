import { bearerPrefix } from '../src/protocol/version.ts';
import type { HubConfig } from './core/hub-api.ts';

/** Where and how a socket is opened. */
export interface DialAddress {
  readonly url: string;
  /** Subprotocols beside the one of the wire. */
  readonly protocols: readonly string[];
}

/** The address with the token in it, where it is to come with the upgrade. The tab has seen to it that it fits. */
export function addressWith(
  { url, tokenBy }: Pick<HubConfig, 'url' | 'tokenBy'>,
  token: string | undefined,
): DialAddress {
  if (token === undefined) return { url, protocols: [] };
  switch (tokenBy) {
    case 'subprotocol':
      return { url, protocols: [bearerPrefix + base64url(token)] };
    case 'query': {
      const withToken = new URL(url);
      withToken.searchParams.set('token', token);
      return { url: withToken.href, protocols: [] };
    }
    case 'message':
    case 'cookie':
      return { url, protocols: [] };
    default:
      return tokenBy satisfies never;
  }
}

/** RFC 4648, section 5, without padding: what a subprotocol may be made of. */
function base64url(text: string): string {
  const bytes = Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte));
  return btoa(bytes.join('')).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}
