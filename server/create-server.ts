import type { Server as HttpServer } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import { ConnectionError, errorData } from '../src/protocol/errors.ts';
import { Admin } from './admin/admin.ts';
import type { AdminHandler, AdminOptions } from './admin/admin-options.ts';
import { timerMsMax } from './clock.ts';
import { Connections } from './connections.ts';
import { createContext, systemSurroundings, type ServerContext } from './context.ts';
import { serveHealth } from './health.ts';
import { answerLostUpgrades } from './lost-upgrade.ts';
import { Drain } from './drain.ts';
import { checkInteger, invalid } from './invalid.ts';
import { closeWithinMsDefault, drainWithinMsDefault } from './limits.ts';
import { isPromise } from './maybe-promise.ts';
import type { ServerOptions } from './options.ts';
import { checkTopic, encodePayload } from './publish-input.ts';
import type { PresenceList } from './presence.ts';
import { revoke, type Revocation } from './revocation.ts';
import type { ServerMeasures } from './sight/measures.ts';
import { copyStats, type ServerStats } from './stats.ts';
import { listenForUpgrades } from './upgrade.ts';

/** Where a message of the app's back end went. */
export interface PublishedAt {
  /** Id of this incarnation of the topic. */
  readonly epoch: string;
  readonly offset: number;
}

/** A onesocket server. */
export interface OnesocketServer {
  /**
   * Takes the upgrades of `path` on an HTTP server, and answers `GET /healthz` (whether to send clients here) and
   * `GET /livez` (whether the process works) there. The app's own request and upgrade listeners keep all the rest; an
   * upgrade that nobody takes is answered 404.
   *
   * @param options.path - Default `/realtime`.
   * @throws ConnectionError `invalid-option`
   */
  attach(httpServer: HttpServer | HttpsServer, options?: { readonly path?: string }): void;
  /**
   * Publishes from the app's back end. Neither `authorize` nor `onPublish` is asked.
   *
   * What is larger than 64 KiB, and every Blob, goes to the clients in chunks. A Blob is read first: what is published
   * meanwhile comes before it.
   *
   * @param payload - A JSON value, or bytes: `Uint8Array`, `ArrayBuffer` or `Blob`.
   * @throws ConnectionError `invalid-option` (the topic), `invalid-payload`, `too-large`, `rejected` (the
   * backbone has no room), `closed`
   */
  publish(topic: string, payload: unknown): Promise<PublishedAt>;
  /**
   * Who is in a topic now, by identity. Empty where `presence` is not kept.
   *
   * @throws ConnectionError `invalid-option`
   */
  presence(topic: string): Promise<PresenceList>;
  /**
   * Takes back what `authorize` has said: cached answers are dropped, what is live is asked about again, and ends where
   * that says no, in the tabs with `forbidden` and the reason. Change what `authorize` answers before. Resolves with the
   * number of subscriptions and presence lists that it has ended. It is about connections that are open now; later ones
   * ask anyhow.
   *
   * @throws ConnectionError `invalid-option`
   * @example
   * await members.remove('ada', 'room:1');
   * await server.revoke({ identity: 'ada', topic: 'room:1', reason: 'You have left the room.' });
   */
  revoke(revocation: Revocation): Promise<number>;
  /** The counters at this moment. */
  stats(): ServerStats;
  /** What is counted by kind and measured, at this moment: what `onesocket/server/metrics` shows to Prometheus. */
  measures(): ServerMeasures;
  /**
   * Makes the admin interface: lists and ends connections, bans, publishes and drains. Mount it on an HTTP server of its
   * own, on a port that only operators reach. It takes all requests below its path, and knows no CORS.
   *
   * @throws ConnectionError `invalid-option`
   * @example
   * createHttpServer(server.admin({ secret, audit: './audit.jsonl' })).listen(9090, '127.0.0.1');
   */
  admin(options: AdminOptions): AdminHandler;
  /**
   * Empties the server for a restart: takes no connections from now on (503; so does `/healthz`), asks every client to
   * come back at a time of its own within `withinMs`, waits for publishes in process and running requests, and closes
   * with 1012. Called again, it is the same drain, over in the shorter of both times. {@link drainOnSignal} does this
   * on SIGTERM.
   *
   * @param options.withinMs - Milliseconds this may take. Default 30,000.
   * @throws ConnectionError `invalid-option`
   */
  drain(options?: { readonly withinMs?: number }): Promise<void>;
  /**
   * Tells every client that the server goes, lets publishes in process finish, closes with 1012, and ends
   * what does not close in time. Takes no connections meanwhile nor after. The HTTP server stays the app's.
   *
   * @param options.withinMs - Milliseconds this may take. Default 5,000.
   * @throws ConnectionError `invalid-option`
   */
  close(options?: { readonly withinMs?: number }): Promise<void>;
}

/**
 * Creates a server, to be attached to an HTTP server.
 *
 * @throws ConnectionError `invalid-option`
 * @example
 * const server = createServer({ authenticate: async ({ token }) => ({ identity: await userOf(token) }) });
 * server.attach(httpServer, { path: '/realtime' });
 * await server.publish('news', { text: 'hello' });
 */
export function createServer<S = Record<string, unknown>>(options: ServerOptions<S> = {}): OnesocketServer {
  const context = createContext(options as ServerOptions, systemSurroundings);
  const connections = new Connections(context);
  const draining = new Drain(context, connections);
  let closed: Promise<void> | undefined;
  const drain: OnesocketServer['drain'] = async ({ withinMs = drainWithinMsDefault } = {}) => {
    checkInteger('withinMs', withinMs, timerMsMax);
    return draining.within(withinMs);
  };
  const publishOpen: OnesocketServer['publish'] = async (topic, payload) => {
    if (closed) throw new ConnectionError(errorData('closed', 'the server is closed'));
    return publish(context, topic, payload);
  };
  return {
    attach: (httpServer, { path = '/realtime' } = {}) =>
      attach(httpServer as HttpServer, path, connections, context),
    publish: publishOpen,
    stats: () => copyStats(context.stats),
    drain,
    admin: (adminOptions) => {
      const target = {
        context,
        connections,
        publish: publishOpen,
        drain: (withinMs: number) => drain({ withinMs }),
      };
      return new Admin(target, adminOptions).handle;
    },
    measures: () => connections.measures(),
    presence: async (topic) => {
      checkTopic(topic);
      return (await context.presence?.store.list(topic)) ?? { members: [], count: 0 };
    },
    revoke: (revocation) => revoke(context, revocation),
    close: ({ withinMs = closeWithinMsDefault } = {}) => {
      checkInteger('withinMs', withinMs, timerMsMax);
      closed ??= close(context, connections, withinMs, options.backbone === undefined);
      return closed;
    },
  };
}

function attach(
  httpServer: HttpServer,
  path: string,
  connections: Connections,
  context: ServerContext,
): void {
  if (typeof httpServer?.on !== 'function') throw invalid('attach needs an HTTP server');
  if (typeof path !== 'string' || !path.startsWith('/')) throw invalid('path must start with a /');
  const { gatekeeper, stats } = context;
  listenForUpgrades(httpServer, path, (request, socket, head) => connections.upgrade(request, socket, head));
  answerLostUpgrades(httpServer, path, context.logger);
  serveHealth(httpServer, () => ({
    status: gatekeeper.doors === 'open' ? 'ok' : gatekeeper.doors,
    connections: stats.connections,
  }));
}

async function publish(context: ServerContext, topic: string, payload: unknown): Promise<PublishedAt> {
  const { stats, backbone, clock, randomId } = context;
  checkTopic(topic);
  const encoding = encodePayload(payload, context);
  const encoded = isPromise(encoding) ? await encoding : encoding;
  stats.published++;
  const result = await backbone.publish({ topic, id: randomId(), ts: clock.now(), payload: encoded });
  if (result.kind !== 'published') {
    stats.refused++;
    const message = result.kind === 'refused' ? result.message : result.kind;
    throw new ConnectionError(errorData('rejected', message, { retryable: true }));
  }
  stats.accepted++;
  return { epoch: result.epoch, offset: result.offset };
}

async function close(
  { limits, backbone, logger, gatekeeper, presence }: ServerContext,
  connections: Connections,
  withinMs: number,
  ownsBackbone: boolean,
): Promise<void> {
  gatekeeper.doors = 'closing';
  const retryAfterMs = () => Math.round(Math.random() * limits.reconnectSpreadMs);
  await connections.end({ withinMs, forceAfterMs: withinMs / 2, retryAfterMs, afterRequests: false });
  presence?.store.close();
  if (ownsBackbone) await backbone.close();
  logger.info({}, 'server closed');
}
