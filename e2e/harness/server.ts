import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer, RequestError } from 'onesocket/server';
import { WebSocketServer } from 'ws';
import { serveParent } from '../../demo/backend/parent-channel.ts';
import { Inspection } from './inspection.ts';
import { RecordingBackbone } from './recording-backbone.ts';
import { RecordingTracing } from './recording-tracing.ts';
import { ServerLog } from './server-log.ts';
import {
  settingsVariable,
  type RequestSeen,
  type ServerCommand,
  type ServerRecord,
  type ServerSettings,
} from './server-contract.ts';

// The server of the multi-tab tests: a process of its own, so that it can be frozen and killed for real.

const {
  token,
  users,
  tokenLifeMs,
  tokens: carriers,
  origins,
  presence,
  heartbeatMs,
  limits,
  inspected,
  traces,
}: ServerSettings = JSON.parse(process.env[settingsVariable] ?? '{}');

const arrivals: number[] = [];
const subscribes: Record<string, number> = {};
const tokens: string[] = [];
const requests: RequestSeen[] = [];
const forbidden = new Set<string>();
const backbone = new RecordingBackbone(limits);
const inspection = inspected ? new Inspection() : undefined;
const log = new ServerLog();
const tracing = traces ? new RecordingTracing() : undefined;

const onesocket = createServer({
  backbone,
  ...(tracing && { tracing }),
  ...(heartbeatMs === undefined ? {} : { heartbeatMs }),
  ...(limits === undefined ? {} : { limits }),
  ...(presence === undefined ? {} : { presence }),
  ...(token === undefined
    ? {}
    : {
        authenticate: (attempt) => {
          tokens.push(attempt.token);
          return attempt.token === token ? { identity: 'tester' } : null;
        },
      }),
  ...(users && {
    authenticate: (attempt) => {
      tokens.push(attempt.token);
      const [identity = ''] = attempt.token.split('/');
      if (identity === 'nobody') return null;
      if (identity === 'quoted') throw new RequestError('bad', `no such token: ${attempt.token}`);
      if (identity === 'broken') throw new Error(`cannot read ${attempt.token}`);
      if (identity === 'late') return { identity, expiresAt: Date.now() - 1 };
      return tokenLifeMs === undefined ? { identity } : { identity, expiresAt: Date.now() + tokenLifeMs };
    },
  }),
  ...(carriers && { tokens: carriers }),
  ...(origins && { origins }),
  authorize: ({ identity, action, topic }) => {
    tracing?.saw('authorize');
    if (action === 'subscribe') subscribes[topic] = (subscribes[topic] ?? 0) + 1;
    return !topic.startsWith('secret') && !forbidden.has(`${identity} ${topic}`);
  },
  onPublish: ({ topic }) => {
    tracing?.saw('onPublish');
    return topic === 'refused' ? { code: 'house-rule', message: 'nobody publishes here' } : undefined;
  },
  requests: {
    echo: (input) => {
      tracing?.saw('echo');
      return input;
    },
    secret: () => 'never told',
    fail: () => {
      throw new RequestError('out-of-stock', 'only 3 are left');
    },
    hang: async (_input, { signal }) => {
      requests.push({ method: 'hang', moment: 'started' });
      await once(signal, 'abort');
      requests.push({ method: 'hang', moment: 'aborted' });
    },
  },
  logger: inspection?.logger ?? log.logger,
});

const record = (): ServerRecord => {
  const { connections, connected, duplicates, delivered } = onesocket.stats();
  return {
    pid: process.pid,
    connections: { now: connections, ever: connected },
    arrivals,
    topics: backbone.watched,
    subscribes,
    tokens,
    requests,
    spans: tracing?.spans ?? [],
    tracedCalls: tracing?.calls ?? [],
    duplicates,
    delivered,
  };
};

const flood = async (topic: string, count: number): Promise<void> => {
  for (let n = 1; n <= count; n += 1) {
    void onesocket.publish(topic, { n });
    // A turn of the event loop now and then, as the publishes of any app would leave it.
    if (n % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
};

let flow: NodeJS.Timeout | undefined;
let flowed = 0;

const startFlow = (topics: readonly string[]): void => {
  flow = setInterval(() => {
    flowed += 1;
    for (const topic of topics) void onesocket.publish(topic, { n: flowed });
  }, 1);
};

const answer = async (message: unknown): Promise<unknown> => {
  const command = message as ServerCommand;
  switch (command.kind) {
    case 'record':
      return record();
    case 'accepted':
      return backbone.accepted(command.topic);
    case 'publish':
      for (const payload of command.payloads) await onesocket.publish(command.topic, payload);
      return undefined;
    case 'flood':
      return flood(command.topic, command.count);
    case 'start-flow':
      return startFlow(command.topics);
    case 'stop-flow':
      return clearInterval(flow);
    case 'forbid':
      forbidden.add(`${command.identity} ${command.topic}`);
      return undefined;
    case 'revoke':
      return onesocket.revoke({
        identity: command.identity,
        topic: command.topic,
        reason: command.reason,
      });
    case 'log':
      return log.lines;
    case 'inspect':
      return inspection?.text(onesocket);
    case 'presence':
      return onesocket.presence(command.topic);
    default:
      return command satisfies never;
  }
};

const httpServer = createHttpServer();
httpServer.on('upgrade', ({ url }) => {
  arrivals.push(performance.timeOrigin + performance.now());
  log.logger.debug({ url }, 'upgrade');
});
onesocket.attach(httpServer, { path: '/realtime' });

// A path where every WebSocket opens and is closed at once, as by a proxy whose backend is down.
const closing = new WebSocketServer({ noServer: true });
httpServer.on('upgrade', (request, socket, head) => {
  if (request.url !== '/closing') return;
  closing.handleUpgrade(request, socket, head, (webSocket) => webSocket.close(1011));
});

httpServer.listen(Number(process.env['PORT'] ?? 0), '127.0.0.1', () =>
  serveParent((httpServer.address() as AddressInfo).port, answer),
);
process.once('SIGTERM', () => void onesocket.close({ withinMs: 2_000 }).finally(() => process.exit(0)));
