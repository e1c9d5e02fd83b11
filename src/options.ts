import type { HubConfig } from '../worker/core/hub-api.ts';
import { failure } from './failure.ts';
import * as tabLimits from './limits.ts';
import { hubDefaults } from './limits.ts';
import type { Auth, ConnectOptions } from './types.ts';

/** Checked options, with every default in its place. */
export interface Settings {
  readonly name: string;
  readonly auth: Auth | undefined;
  readonly worker: string;
  readonly config: HubConfig;
}

/** Checks the arguments of `connect`. Throws a ConnectionError `invalid-option` that names the one at fault. */
export function readOptions(url: string | URL, options: ConnectOptions, defaultWorker: URL): Settings {
  const target = socketUrl(url);
  const name = options.name ?? target.origin + target.pathname;
  checkName('name', name, tabLimits.nameLength);
  const { auth } = options;
  if (auth !== undefined && typeof auth !== 'function' && (typeof auth !== 'string' || auth === '')) {
    throw invalid('auth', 'must be a token or a function that gives one');
  }
  return {
    name,
    auth,
    worker: workerUrl(options.worker ?? defaultWorker),
    config: hubConfig(target, options),
  };
}

function socketUrl(url: string | URL): URL {
  let target: URL;
  try {
    target = new URL(url, location.href);
  } catch (cause) {
    throw failure('invalid-option', `"${url}" is not a URL`, cause);
  }
  target.protocol = target.protocol.replace(/^http/, 'ws');
  target.hash = '';
  if (!/^wss?:$/.test(target.protocol)) throw invalid('url', 'must begin with ws:, wss:, http: or https:');
  return target;
}

function workerUrl(worker: string | URL): string {
  const target = new URL(worker, location.href);
  // A blob: or data: worker is a worker per tab, so that nothing would be shared.
  if (!/^https?:$/.test(target.protocol)) {
    throw invalid(
      'worker',
      `must be served over http, not ${target.protocol} (was it inlined by a bundler?)`,
    );
  }
  return target.href;
}

function hubConfig(url: URL, options: ConnectOptions): HubConfig {
  const { connectTimeoutMs, handshakeTimeoutMs } = withDefaults(
    '',
    {
      connectTimeoutMs: options.connectTimeoutMs,
      handshakeTimeoutMs: options.handshakeTimeoutMs,
    },
    hubDefaults,
  );
  const backoff = withDefaults('backoff.', options.backoff, hubDefaults.backoff);
  if (backoff.maxMs < backoff.baseMs) throw invalid('backoff.maxMs', 'must not be less than backoff.baseMs');
  return {
    url: url.href,
    backoff,
    heartbeat: withDefaults('heartbeat.', options.heartbeat, hubDefaults.heartbeat),
    queue: withDefaults('queue.', options.queue, hubDefaults.queue),
    connectTimeoutMs,
    handshakeTimeoutMs,
  };
}

type Numbers<T> = { [K in keyof T]: number };

/** Numbers of a group of options: all positive, and none longer than a timer can be. */
function withDefaults<T extends object>(prefix: string, given: object | undefined, defaults: T): Numbers<T> {
  const result: Record<string, number> = {};
  for (const [key, fallback] of Object.entries(defaults)) {
    if (typeof fallback !== 'number') continue;
    const value: unknown = (given as Record<string, unknown> | undefined)?.[key] ?? fallback;
    result[key] = positive(prefix + key, value);
  }
  return result as Numbers<T>;
}

/** A positive number of at most what a timer can wait, or a ConnectionError `invalid-option`. */
export function positive(name: string, value: unknown): number {
  if (typeof value === 'number' && value > 0 && value <= tabLimits.timerMs) return value;
  throw invalid(name, `must be a number above 0 and at most ${tabLimits.timerMs}`);
}

/** A non-empty string of at most `max` characters, or a ConnectionError `invalid-option`. */
export function checkName(name: string, value: unknown, max: number): void {
  if (typeof value === 'string' && value !== '' && value.length <= max) return;
  throw invalid(name, `must be a string of 1 to ${max} characters`);
}

const invalid = (name: string, rule: string) => failure('invalid-option', `${name} ${rule}`);
