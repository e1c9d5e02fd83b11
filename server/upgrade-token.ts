import type { IncomingHttpHeaders } from 'node:http';
import * as protocolLimits from '../src/protocol/limits.ts';
import { bearerPrefix } from '../src/protocol/version.ts';
import { redacted } from './redact.ts';
import type { TokenCarriers } from './tokens.ts';
import type { PeerRequest } from './transport.ts';

/** A token that came with the upgrade, or why what came is none. */
export type UpgradeToken = { readonly token: string } | { readonly problem: string };

/** An upgrade whose token has been taken out of it. */
export interface TakenUpgrade {
  readonly request: PeerRequest;
  readonly upgradeToken: UpgradeToken | undefined;
}

/**
 * Takes the token out of an upgrade, so that nothing which is kept or handed on for the life of the connection has it.
 * What a page chose for this connection counts more than a cookie, which comes along by itself.
 */
export function takeUpgradeToken(request: PeerRequest, carriers: TokenCarriers): TakenUpgrade {
  const { subprotocol, query, cookie } = carriers;
  const { headers } = request;
  const upgradeToken =
    (subprotocol ? bySubprotocol(headers) : undefined) ??
    (query === undefined ? undefined : byQuery(request.url, query)) ??
    (cookie === undefined ? undefined : byCookie(headers.cookie, cookie));
  return { upgradeToken, request: withoutTokens(request, carriers) };
}

/** The name of a subprotocol that carries a token: never to be selected, for the answer would repeat it. */
export const isBearer = (protocol: string): boolean => protocol.startsWith(bearerPrefix);

function bySubprotocol(headers: IncomingHttpHeaders): UpgradeToken | undefined {
  const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
  const [bearer, ...more] = offered.filter(isBearer);
  if (bearer === undefined) return undefined;
  const encoded = bearer.slice(bearerPrefix.length);
  if (more.length > 0 || !/^[\w-]+$/.test(encoded)) return malformed;
  try {
    // Not `Buffer.toString`, which takes what is no UTF-8.
    return checked(new TextDecoder('utf-8', strictText).decode(Buffer.from(encoded, 'base64url')), encoded);
  } catch {
    return malformed;
  }
}

function byQuery(url: string, name: string): UpgradeToken | undefined {
  for (const pair of queryPairs(url)) {
    const [[key, value] = []] = new URLSearchParams(pair);
    if (key === name && value) return checked(value, pair.slice(pair.indexOf('=') + 1));
  }
  return undefined;
}

function byCookie(header: string | undefined, name: string): UpgradeToken | undefined {
  for (const pair of (header ?? '').split(';')) {
    const value = cookieValue(pair, name);
    if (value) return checked(decoded(value), value);
  }
  return undefined;
}

/** The value of a pair of a cookie header, as it stands there, where it has this name. */
function cookieValue(pair: string, name: string): string | undefined {
  const at = pair.indexOf('=');
  if (at < 0 || pair.slice(0, at).trim() !== name) return undefined;
  return pair
    .slice(at + 1)
    .trim()
    .replace(/^"(.*)"$/, '$1');
}

/** Frameworks write cookies percent-encoded. What is not, stays as it is. */
function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

const strictText = { fatal: true, ignoreBOM: true } as const;
const malformed: UpgradeToken = { problem: 'the token of the upgrade is malformed' };

const checked = (token: string, encoded: string): UpgradeToken =>
  token === '' || encoded.length > protocolLimits.tokenLength ? malformed : { token };

const queryPairs = (url: string): string[] => url.split('?').slice(1).join('?').split('&');

function withoutTokens(request: PeerRequest, { query, cookie }: TokenCarriers): PeerRequest {
  const headers = { ...request.headers };
  const protocols = headers['sec-websocket-protocol'];
  // Also where the server does not take it: who offers one has put a token there.
  if (protocols?.includes(bearerPrefix)) {
    headers['sec-websocket-protocol'] = protocols.replaceAll(/bearer\.[^\s,]*/g, bearerPrefix + redacted);
  }
  if (cookie !== undefined && headers.cookie !== undefined) {
    const hide = (pair: string) =>
      cookieValue(pair, cookie) === undefined ? pair : `${pair.slice(0, pair.indexOf('=') + 1)}${redacted}`;
    headers.cookie = headers.cookie.split(';').map(hide).join(';');
  }
  return { ...request, headers, url: query === undefined ? request.url : hideInQuery(request.url, query) };
}

function hideInQuery(url: string, name: string): string {
  const at = url.indexOf('?');
  if (at < 0) return url;
  const pairs = queryPairs(url).map((pair) => {
    const [[key] = []] = new URLSearchParams(pair);
    return key === name ? `${pair.split('=', 1)[0]}=${redacted}` : pair;
  });
  return `${url.slice(0, at)}?${pairs.join('&')}`;
}
