import { setMaxListeners } from 'node:events';
import { connect, type OneSocket } from 'onesocket';
import { serveParent } from '../demo/backend/parent-channel.ts';
import type { ClientsCommand, PlannedAttempt, StormReport } from './contract.ts';
import { socketHooks, workerUrl } from './page-in-node.ts';

// Clients as an app has them: the whole library in each, with the defaults of its options. Each follows a topic that it
// shares with some others, so that a message has to come to all of those.

const atOnce = 100;
/** Each message goes to its publisher and one more. */
const groupSize = 2;
// Each client listens to the page.
setMaxListeners(0, window as never, document as never);
// A browser does not write a stack for each attempt that is refused.
Error.stackTraceLimit = 0;

let dialled: number[] = [];
let look: () => void = () => {};

class Client {
  readonly socket: OneSocket;
  readonly ready: Promise<void>;
  readonly #topic: string;
  readonly #seen = new Set<string>();
  #closedAt = 0;
  #plan: number | null = null;
  planned: PlannedAttempt[] = [];
  published = 0;
  acked = 0;
  repeated = 0;
  gaps = 0;
  openedAt = 0;

  constructor(url: string, index: number) {
    this.#topic = `group:${process.pid}:${Math.floor(index / groupSize)}`;
    this.socket = connect(url, { host: 'page', worker: workerUrl, name: url });
    this.socket.addEventListener('status', () => this.#follow());
    const subscription = this.socket.subscribe<string>(this.#topic);
    subscription.onMessage(({ id }) => this.#take(id));
    subscription.onGap(() => (this.gaps += 1));
    this.ready = subscription.ready;
  }

  watch(): void {
    this.planned = [];
  }

  closed(): void {
    this.#closedAt = Date.now();
  }

  async publish(): Promise<void> {
    this.published += 1;
    const { stored, acked } = this.socket.publish(this.#topic, { price: 101.25 });
    acked.then(() => {
      this.acked += 1;
      look();
    }, fail);
    await stored;
  }

  get arrived(): number {
    return this.#seen.size;
  }

  get isSettled(): boolean {
    return this.socket.status.state === 'open' && this.acked === this.published;
  }

  #follow(): void {
    const { state, nextRetryAt } = this.socket.status;
    if (nextRetryAt !== null && nextRetryAt !== this.#plan) {
      const waitMs = nextRetryAt - this.#closedAt;
      const afterMs = (this.planned.at(-1)?.afterMs ?? 0) + waitMs;
      this.planned.push({ failedAt: this.#closedAt, waitMs, afterMs });
    }
    this.#plan = nextRetryAt;
    if (state !== 'open') this.openedAt = 0;
    else if (this.openedAt === 0) this.openedAt = Date.now();
    look();
  }

  #take(id: string): void {
    if (this.#seen.has(id)) this.repeated += 1;
    this.#seen.add(id);
    look();
  }
}

/** What goes wrong ends the process, and the bench with it. */
const fail = (cause: unknown): void => void queueMicrotask(() => Promise.reject(cause));

const clients: Client[] = [];
const byUrl = new Map<string, Client>();
Object.assign(socketHooks, {
  dialled: () => dialled.push(Date.now()),
  closed: (url) => byUrl.get(url)?.closed(),
} satisfies { [K in keyof typeof socketHooks]: (url: string) => unknown });

async function gather(port: number, count: number): Promise<void> {
  while (clients.length < count) {
    const first = clients.length;
    const wave = Array.from({ length: Math.min(atOnce, count - first) }, (_, n) => {
      const url = `ws://127.0.0.1:${port}/realtime?client=${first + n}`;
      const client = new Client(url, first + n);
      byUrl.set(url, client);
      return client;
    });
    clients.push(...wave);
    await Promise.all(wave.map((client) => client.ready));
  }
}

const sum = (of: (client: Client) => number): number =>
  clients.reduce((total, client) => total + of(client), 0);

/** Looks after each change at the first client that was not ready before, so that each change costs little. */
function allSettled(): Promise<void> {
  const expected = groups().map((group) => group.reduce((total, client) => total + client.published, 0));
  const isReady = (client: Client, index: number) =>
    client.isSettled && client.arrived >= expected[Math.floor(index / groupSize)]!;
  let settled = 0;
  return new Promise((resolve) => {
    look = () => {
      for (let next = clients[settled]; next && isReady(next, settled); next = clients[settled]) settled += 1;
      if (settled === clients.length) resolve();
    };
    look();
  });
}

const groups = (): Client[][] =>
  Array.from({ length: Math.ceil(clients.length / groupSize) }, (_, n) =>
    clients.slice(n * groupSize, (n + 1) * groupSize),
  );

async function report(): Promise<StormReport> {
  await allSettled();
  return {
    lost: clients.flatMap((client) => client.planned[0]?.failedAt ?? []),
    dialled,
    planned: clients.flatMap((client) => client.planned),
    opened: clients.map((client) => client.openedAt),
    arrived: sum((client) => client.arrived),
    expected: groups().reduce(
      (total, group) => total + group.length * group.reduce((all, client) => all + client.published, 0),
      0,
    ),
    repeated: sum((client) => client.repeated),
    gaps: sum((client) => client.gaps),
  };
}

function watch(): void {
  dialled = [];
  for (const client of clients) client.watch();
}

async function publish(oneOf: number): Promise<void> {
  await Promise.all(clients.filter((_, index) => index % oneOf === 0).map((client) => client.publish()));
}

serveParent(0, async (asked) => {
  const command = asked as ClientsCommand;
  switch (command.kind) {
    case 'gather':
      return gather(command.port, command.count);
    case 'watch':
      return watch();
    case 'publish':
      return publish(command.oneOf);
    case 'settled':
      return report();
    default:
      return command satisfies never;
  }
});
