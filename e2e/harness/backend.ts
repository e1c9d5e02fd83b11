import { startServerProcess, type ServerProcess } from '../../demo/backend/server-process.ts';
import { e2eServer } from '../../scripts/e2e-server.mjs';
import { createTcpProxy, type TcpProxy } from '../../demo/backend/tcp-proxy.ts';
import {
  settingsVariable,
  type Accepted,
  type PresentList,
  type ServerCommand,
  type ServerRecord,
  type ServerSettings,
} from './server-contract.ts';

/** The real server in its own process, a network path to it that can break, and what the server knows. */
export interface Backend extends AsyncDisposable {
  /** Of the server, through the proxy. */
  readonly url: string;
  /** Where every WebSocket opens and is closed at once; not through the proxy. */
  readonly closingUrl: string;
  readonly process: ServerProcess;
  readonly proxy: TcpProxy;
  record(): Promise<ServerRecord>;
  /** The end of the server's log, or why there is none. */
  log(): Promise<string>;
  /** Everything that was accepted in a topic, in order, one line per message as `Tab.lines` gives them. */
  lines(topic: string): Promise<string[]>;
  publish(topic: string, ...payloads: readonly unknown[]): Promise<void>;
  /** Publishes `{ n }` for n from 1 to `count` at full speed. */
  flood(topic: string, count: number): Promise<void>;
  /** Publishes to these topics every millisecond until the function that it gives is called. */
  startFlow(...topics: readonly string[]): Promise<() => Promise<void>>;
  /** From now on `authorize` says no to everything of this identity in this topic. Nobody is told. */
  forbid(identity: string, topic: string): Promise<void>;
  /** Revokes what was answered about it. Gives the number of subscriptions and presence lists that it ended. */
  revoke(identity: string, topic: string, reason: string): Promise<number>;
  /** With the setting `inspected`: its log, metrics, counters and admin interface, as one text. */
  inspect(): Promise<string>;
  /** Who is in a topic. */
  presence(topic: string): Promise<PresentList>;
}

/** One accepted message as a line: epochs are compared apart, since they are random. */
const lineOf = ({ offset, id, payload }: Pick<Accepted, 'offset' | 'id' | 'payload'>): string =>
  `${offset} ${id} ${payload}`;

/** Starts server and proxy. */
export const startBackend = async (settings: ServerSettings = {}): Promise<Backend> => {
  const server = await startServerProcess({
    entry: e2eServer,
    env: { [settingsVariable]: JSON.stringify(settings) },
  });
  const proxy = await createTcpProxy({ targetPort: server.port });
  const ask = (command: ServerCommand): Promise<unknown> => server.request(command, 20_000);
  return {
    url: `ws://127.0.0.1:${proxy.port}/realtime`,
    closingUrl: `ws://127.0.0.1:${server.port}/closing`,
    process: server,
    proxy,
    record: async () => (await ask({ kind: 'record' })) as ServerRecord,
    log: () =>
      ask({ kind: 'log' }).then(
        (lines) => (lines as string[]).join('\n'),
        (reason: unknown) => String(reason),
      ),
    lines: async (topic) => ((await ask({ kind: 'accepted', topic })) as Accepted[]).map(lineOf),
    publish: async (topic, ...payloads) => void (await ask({ kind: 'publish', topic, payloads })),
    flood: async (topic, count) => void (await ask({ kind: 'flood', topic, count })),
    startFlow: async (...topics) => {
      await ask({ kind: 'start-flow', topics });
      return async () => void (await ask({ kind: 'stop-flow' }));
    },
    forbid: async (identity, topic) => void (await ask({ kind: 'forbid', identity, topic })),
    revoke: async (identity, topic, reason) =>
      (await ask({ kind: 'revoke', identity, topic, reason })) as number,
    inspect: async () => (await ask({ kind: 'inspect' })) as string,
    presence: async (topic) => (await ask({ kind: 'presence', topic })) as PresentList,
    async [Symbol.asyncDispose]() {
      await server.kill();
      await proxy.close();
    },
  };
};
