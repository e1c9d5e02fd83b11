import type { HubOptions } from '../worker/core/hub-api.ts';
import type { TokenCarrier } from '../worker/core/token-types.ts';
import type { Auth, Token } from './auth-types.ts';
import { failure } from './failure.ts';
import * as tabLimits from './limits.ts';
import * as protocolLimits from './protocol/limits.ts';
import { hostOrder, type HostOption } from './tab-world.ts';
import type { TraceSource } from './trace.ts';
import type { ConnectOptions } from './types.ts';

const tokenCarriers: readonly TokenCarrier[] = ['message', 'subprotocol', 'query', 'cookie'];

/** Checked options, as tab and hub need them. */
export interface Settings {
  /** Of the hub, its worker, its locks and its database: see worker/names.ts. */
  readonly hubName: string;
  readonly auth: Auth | undefined;
  readonly trace?: TraceSource | undefined;
  readonly marks?: boolean | undefined;
  readonly worker: string;
  /** Where the hub may run, in the order in which that is tried. */
  readonly hosts: readonly HostOption[];
  readonly hub: HubOptions;
}

/** Checks the arguments of `connect`. Throws a ConnectionError `invalid-option` that names the one at fault. */
export function readOptions(url: string | URL, options: ConnectOptions, defaultWorker: URL): Settings {
  const target = readUrl('url', url, /^(ws|http)s?:/);
  target.protocol = target.protocol.replace('http', 'ws');
  target.hash = '';
  const { name = target.origin + target.pathname, auth, tokenBy, identity, worker = defaultWorker } = options;
  checkName('name', name, tabLimits.nameLength);
  if (name.includes('#')) invalid('name', 'without #');
  if (auth !== undefined && typeof auth !== 'function') {
    checkName('auth', Object(auth) === auth ? (auth as Token).token : auth, Infinity);
  }
  oneOf('tokenBy', tokenBy, tokenCarriers);
  if (tokenBy === 'cookie' && auth !== undefined) invalid('auth', "left out with tokenBy: 'cookie'");
  if ((tokenBy === 'subprotocol' || tokenBy === 'query') && auth === undefined) {
    invalid('auth', `given with tokenBy: '${tokenBy}'`);
  }
  let hubName = `onesocket:${name}`;
  if (identity !== undefined) {
    checkName('identity', identity, tabLimits.identityLength);
    if (/\p{Surrogate}/u.test(identity)) invalid('identity', 'well-formed Unicode');
    hubName += `#${encodeURIComponent(identity)}`;
  }
  const { trace, marks } = options;
  checkFunction('trace', trace);
  oneOf('marks', marks, [true, false]);
  const { heartbeat, backoff, connectTimeoutMs, handshakeTimeoutMs, queue, durability, host } = options;
  oneOf('host', host, hostOrder);
  oneOf('durability', durability, ['strict', 'relaxed']);
  const numbers = { heartbeat, backoff, connectTimeoutMs, handshakeTimeoutMs, queue };
  checkNumbers(numbers, '');
  const hub = { ...numbers, url: target.href, durability, identity, tokenBy };
  // A blob: or data: URL, as a bundler may make of the worker, is a worker per tab: nothing would be shared.
  const script = readUrl('worker', worker, /^https?:/).href;
  return { hubName, auth, trace, marks, worker: script, hosts: host ? [host] : hostOrder, hub };
}

function readUrl(name: string, value: string | URL, schemes: RegExp): URL {
  let url: URL | undefined;
  try {
    url = new URL(value, location.href);
  } catch {
    // What cannot be parsed is told like what has another scheme.
  }
  return url && schemes.test(url.protocol) ? url : invalid(name, `a URL ${schemes}, not ${value}`);
}

/** These options are numbers above 0, with the unit in the name, or groups of such; `whenFull` is the exception. */
function checkNumbers(group: object, path: string): void {
  for (const [key, value] of Object.entries(group) as [string, unknown][]) {
    if (value === undefined) continue;
    if (key === 'whenFull') oneOf(path + key, value, ['reject', 'block', 'drop-oldest']);
    else if (path || key.endsWith('Ms')) positive(path + key, value);
    else checkNumbers(Object(value) === value ? (value as object) : invalid(key, 'an object'), `${key}.`);
  }
}

/** A positive number of at most what a timer can wait, or a ConnectionError `invalid-option`. */
export function positive(name: string, value: unknown): void {
  if (typeof value !== 'number' || !(value > 0 && value <= protocolLimits.durationMs)) {
    invalid(name, `above 0 and at most ${protocolLimits.durationMs}`);
  }
}

/** A non-empty string of at most `max` characters, or a ConnectionError `invalid-option`. */
export function checkName(name: string, value: unknown, max: number): void {
  if (typeof value !== 'string' || !value || value.length > max) {
    invalid(name, `a string of 1 to ${max} characters`);
  }
}

/** A function, or undefined, or a ConnectionError `invalid-option`. */
function checkFunction(name: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'function') invalid(name, 'a function');
}

/** One of these strings, or undefined, or a ConnectionError `invalid-option`. */
export function oneOf(name: string, value: unknown, allowed: readonly unknown[]): void {
  if (value !== undefined && !allowed.includes(value)) invalid(name, allowed.join(' or '));
}

/** Throws a ConnectionError `invalid-option`. */
export function invalid(name: string, rule: string): never {
  throw failure('invalid-option', `${name} must be ${rule}`);
}
