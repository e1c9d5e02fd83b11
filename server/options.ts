import { isRecord } from '../src/protocol/field.ts';
import * as protocolLimits from '../src/protocol/limits.ts';
import type { Backbone } from './backbone.ts';
import { timerMsMax } from './clock.ts';
import { resolveCompression, type CompressionOptions, type Deflate } from './compression.ts';
import { TrustedProxies } from './gate/address.ts';
import { checkBans, type BanOptions } from './gate/ban-options.ts';
import type { Authenticate, Authorize, OnPublish, RequestHandler } from './hooks.ts';
import { checkInteger, invalid } from './invalid.ts';
import { defaultLimits, heartbeatMsDefault, limitCeilings, type ServerLimits } from './limits.ts';
import { asHandler, type RequestHandlers } from './validated-request.ts';
import type { PresenceOptions } from './presence-options.ts';
import type { Tracing } from './sight/tracing-types.ts';
import type { Logger } from './logger.ts';
import { checkTokens, type TokenCarriers } from './tokens.ts';

/** Options of `createServer`. All are optional. */
export interface ServerOptions<S = Record<string, unknown>> {
  /** Checks the token of every connection. Default: no token is needed, everybody is `anonymous`. */
  readonly authenticate?: Authenticate;
  /** Ways for a token besides the first message, which is always one. Default: none. */
  readonly tokens?: TokenCarriers;
  /** Asked for every subscribe, publish, request, presence list and signal; see also `allow`. Default: all are allowed. */
  readonly authorize?: Authorize;
  /** Sees every publish of a client before it is accepted, and may refuse it. Default: none. */
  readonly onPublish?: OnPublish;
  /** Keeps who is subscribed to which topic, for `socket.presence()` and `server.presence()`. Default: nobody keeps that. */
  readonly presence?: PresenceOptions;
  /**
   * Request handlers by method, with a schema for the input where you like. Default: none.
   *
   * @example
   * requests: {
   *   time: () => Date.now(),
   *   sum: { input: v.object({ a: v.number(), b: v.number() }), handle: ({ a, b }) => a + b },
   * }
   */
  readonly requests?: RequestHandlers<S>;
  /** Bounds; {@link defaultLimits} where not given. */
  readonly limits?: Partial<ServerLimits>;
  /** Milliseconds of silence after which a connection is pinged. Default 30,000. */
  readonly heartbeatMs?: number;
  /**
   * Origins that may connect, as `https://app.example`; any other, and a request without one, is answered
   * 403. Default: any origin. Set it wherever a cookie counts as authentication: browsers let any page open
   * a WebSocket to any host.
   */
  readonly origins?: readonly string[];
  /**
   * Proxies in front of the server, whose `X-Forwarded-For` is believed: addresses and CIDR ranges of IPv4 and IPv6,
   * and `unix` for one that connects over a Unix socket. Without them, all that comes through a proxy counts as one
   * client. Default: none.
   */
  readonly trustedProxies?: readonly string[];
  /** Lets bans outlive the process. Default: they end with it. */
  readonly bans?: BanOptions;
  /**
   * Compresses large messages (permessage-deflate, RFC 7692), without context takeover. It costs time and memory
   * for every receiver, and what shares a frame with a secret can be guessed from its length. Default: off.
   */
  readonly compression?: CompressionOptions;
  /**
   * Says whether the server has more than it can do, by whatever the app measures; asked once a second. While it
   * does, upgrades are answered 503, and a few connections at a time are sent away by `goaway`, those that came last
   * first. Default: never.
   *
   * @example
   * const delay = monitorEventLoopDelay({ resolution: 20 });
   * delay.enable();
   * createServer({ overloaded: () => delay.percentile(50) > 500e6 || process.memoryUsage.rss() > 2e9 });
   */
  readonly overloaded?: () => boolean;
  /** Any pino logger, or one like it. Default: a pino of level `info` to stdout. Never gets a token. */
  readonly logger?: Logger;
  /**
   * Where histories and client records live. Default: in memory, so that they end with the process.
   * `fileBackbone` of `onesocket/server/file` keeps them over restarts; close it after the server.
   */
  readonly backbone?: Backbone;
  /** Traces publishes, requests and subscriptions: `openTelemetry()` of `onesocket/server/tracing`. Default: none. */
  readonly tracing?: Tracing;
}

/** Options with every default in place, but for logger and backbone. */
export interface ResolvedOptions {
  readonly hooks: {
    readonly authenticate: Authenticate | undefined;
    readonly authorize: Authorize | undefined;
    readonly onPublish: OnPublish | undefined;
    readonly requests: ReadonlyMap<string, RequestHandler>;
  };
  readonly limits: ServerLimits;
  readonly heartbeatMs: number;
  readonly origins: ReadonlySet<string> | undefined;
  readonly trustedProxies: TrustedProxies;
  readonly bans: BanOptions;
  readonly compression: Deflate | undefined;
  readonly overloaded: (() => boolean) | undefined;
  readonly tokens: TokenCarriers;
}

const optionNames: ReadonlySet<string> = new Set<keyof ServerOptions>([
  'authenticate',
  'tokens',
  'authorize',
  'onPublish',
  'presence',
  'requests',
  'limits',
  'heartbeatMs',
  'origins',
  'trustedProxies',
  'bans',
  'compression',
  'overloaded',
  'logger',
  'backbone',
  'tracing',
]);

/** Checks the options and fills in the defaults; throws a `ConnectionError` with the code `invalid-option`. */
export function resolveOptions(options: ServerOptions): ResolvedOptions {
  const given: unknown = options;
  if (!isRecord(given)) throw invalid('the options must be an object');
  const unknown = Object.keys(given).find((name) => !optionNames.has(name));
  if (unknown) throw invalid(`unknown option ${unknown}`);
  for (const name of ['authenticate', 'authorize', 'onPublish', 'overloaded'] as const) {
    if (options[name] !== undefined && typeof options[name] !== 'function')
      throw invalid(`${name} must be a function`);
  }
  checkMethods(options.logger, 'logger', ['debug', 'info', 'warn', 'error']);
  checkMethods(options.backbone, 'backbone', backboneMethods);
  checkMethods(options.tracing, 'tracing', ['begin']);
  const { authenticate, authorize, onPublish, heartbeatMs = heartbeatMsDefault } = options;
  checkInteger('heartbeatMs', heartbeatMs, timerMsMax);
  return {
    hooks: { authenticate, authorize, onPublish, requests: handlers(options.requests) },
    limits: limits(options.limits),
    heartbeatMs,
    origins: origins(options.origins),
    trustedProxies: new TrustedProxies(options.trustedProxies ?? []),
    bans: checkBans(options.bans),
    compression: resolveCompression(options.compression),
    overloaded: options.overloaded,
    tokens: checkTokens(options.tokens, options),
  };
}

const backboneMethods: readonly (keyof Backbone)[] = [
  'publish',
  'recordRefusal',
  'read',
  'head',
  'watch',
  'openClient',
  'closeClient',
  'close',
];

function checkMethods(value: unknown, name: string, methods: readonly string[]): void {
  if (value === undefined) return;
  const target = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
  const missing = methods.find((method) => typeof target[method] !== 'function');
  if (missing) throw invalid(`${name} has no method ${missing}`);
}

function handlers(given: ServerOptions['requests'] = {}): ReadonlyMap<string, RequestHandler> {
  if (!isRecord(given)) throw invalid('requests must be an object of handlers');
  const entries = Object.entries(given).map(([method, handler]) => [method, asHandler(handler)] as const);
  for (const [method, handler] of entries) {
    if (!handler)
      throw invalid(
        `requests['${method}'] must be a function, or have a Standard Schema as input, and handle`,
      );
    if (method === '' || method.length > protocolLimits.methodLength) {
      throw invalid(`a method of requests has 1 to ${protocolLimits.methodLength} characters`);
    }
  }
  // A map has no prototype: a client cannot call `constructor` or `toString`.
  return new Map(entries as [string, RequestHandler][]);
}

function limits(given: ServerOptions['limits'] = {}): ServerLimits {
  if (!isRecord(given)) throw invalid('limits must be an object');
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(defaultLimits, name)) throw invalid(`unknown limit ${name}`);
    checkInteger(`limits.${name}`, value, limitCeilings[name as keyof ServerLimits]);
  }
  return { ...defaultLimits, ...given };
}

function origins(given: ServerOptions['origins']): ReadonlySet<string> | undefined {
  if (given === undefined) return undefined;
  if (!Array.isArray(given)) throw invalid('origins must be a list of origins');
  for (const origin of given) {
    const parsed = typeof origin === 'string' && URL.canParse(origin) ? new URL(origin).origin : undefined;
    if (parsed !== origin || parsed === 'null')
      throw invalid(`origins: ${String(origin)} is not an origin such as https://app.example`);
  }
  return new Set(given);
}
