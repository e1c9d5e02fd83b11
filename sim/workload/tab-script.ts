import { createClient } from '../../src/client.ts';
import { readOptions } from '../../src/options.ts';
import { ConnectionError } from '../../src/protocol/errors.ts';
import type { Delivery, OneSocket, PublishOptions, SocketEventMap, Subscription } from '../../src/types.ts';
import type { Page } from '../browser/page.ts';
import type { Ledger, Publication } from '../check/ledger.ts';
import type { ProgressChecks } from '../check/progress.ts';
import type { StoredCursors } from '../check/stored-cursors.ts';
import type { Follower, Topics } from '../check/topics.ts';
import { must } from '../check/violation.ts';
import type { DatabaseFile } from '../browser/disk.ts';
import type { Random } from '../kernel/random.ts';
import { contentOf, payloadOf, type Content } from './content.ts';
import type { Action, Plan } from './plan.ts';
import { refusedMime } from '../server/sim-server.ts';

/** What a page's script reports to. */
export interface TabChecks {
  readonly ledger: Ledger;
  readonly topics: Topics;
  readonly cursors: StoredCursors;
  readonly progress: ProgressChecks;
  /** The database of the hub, where it exists. */
  readonly file: () => DatabaseFile | undefined;
}

const actions: readonly Action[] = [
  'publish', 'volatile', 'coalesce', 'ttl', 'refused', 'cancel',
  'subscribe', 'unsubscribe', 'large', 'request', 'list', 'reconnect', 'purge',
]; // prettier-ignore

/** What one page does with the library while it lives, by chance. */
export class TabScript {
  readonly page: Page;
  readonly socket: OneSocket;
  readonly #plan: Plan;
  readonly #random: Random;
  readonly #checks: TabChecks;
  readonly #weights: readonly number[];
  readonly #promises = new Map<number, string>();
  readonly #deliveries: Delivery[] = [];
  readonly #subscriptions = new Map<Subscription, Follower>();
  #promiseCount = 0;
  #n = 0;
  #isIdle = false;
  /** Entries without a fate. */
  #unsettled = 0;

  constructor(page: Page, plan: Plan, random: Random, checks: TabChecks) {
    const { kernel } = page.realm;
    this.page = page;
    this.#plan = plan;
    this.#random = random;
    this.#checks = checks;
    const { weights } = plan.workload;
    let sum = 0;
    this.#weights = actions.map((action) => (sum += weights[action]));
    const { url, ...options } = plan.hub;
    const auth = plan.server.needsToken ? { auth: async () => 'token' } : {};
    const { worker } = page.build;
    const settings = readOptions(url, { ...options, ...auth, worker } as never, new URL(worker));
    this.socket = createClient(settings, page.world);
    this.socket.addEventListener('status', ({ detail }) => kernel.guarded(() => this.#status(detail)));
    this.#subscribe();
    this.#next();
  }

  /** Promises that have not settled. */
  get pending(): readonly string[] {
    return [...this.#promises.values()];
  }

  /** Whether the library has nothing more to do for this page. */
  get isQuiet(): boolean {
    const { state, queue } = this.socket.status;
    return state === 'open' && queue.entries === 0 && this.pending.length === 0;
  }

  get followers(): Iterable<Follower> {
    return this.#subscriptions.values();
  }

  /** Does nothing new from now on. */
  rest(): void {
    this.#isIdle = true;
  }

  /** Connects anew, as an app does that was suspended. */
  reconnect(): void {
    this.page.realm.enter(() => this.#watch('reconnect()', this.socket.reconnect()));
  }

  /** Leaves, as an app does that has been logged out. */
  leave(): void {
    this.page.realm.enter(() => this.#watch('close()', this.socket.close()));
  }

  /** Asks what became of an entry, of whichever page. */
  inquire(entry: Publication): void {
    this.page.realm.enter(() => {
      const { ledger } = this.#checks;
      const { acked, stored } = this.socket.outbox.delivery(entry.id);
      this.#watch(`stored of ${entry.id} again`, stored);
      this.#watch(`acked of ${entry.id} again`, acked, (error) => ledger.judged(entry, error?.code ?? null));
    });
  }

  #next(): void {
    this.page.realm.after(this.#random.wait(this.#plan.workload.meanMs), () => {
      if (this.#isIdle) return;
      this.page.realm.kernel.guarded(() => this.#checkPending());
      const at = this.#random.next() * this.#weights.at(-1)!;
      this.#act(actions[this.#weights.findIndex((sum) => sum > at)]!);
      this.#next();
    });
  }

  #act(action: Action): void {
    const random = this.#random;
    switch (action) {
      case 'publish': {
        const count = random.int(1, this.#plan.workload.burst);
        for (let index = 0; index < count; index += 1) this.#publish({});
        return;
      }
      case 'volatile':
        return this.#publish({ volatile: true });
      case 'coalesce':
        return this.#publish({ coalesceKey: `key${random.int(1, 2)}` });
      case 'ttl':
        return this.#publish({ ttlMs: random.int(1, 3_000) });
      case 'refused':
        return this.#publish({}, { refuse: true });
      case 'large':
        return this.#publishLarge();
      case 'cancel':
        return this.#cancel();
      case 'subscribe':
        return this.#subscribe();
      case 'unsubscribe':
        return this.#unsubscribe();
      case 'request': {
        const method = random.pick(['echo', 'slow', 'fail', 'unknown']);
        const timeoutMs = random.int(200, 6_000);
        return this.#watch(`request ${method}`, this.socket.request(method, 1, { timeoutMs }));
      }
      case 'list':
        return this.#watch('entries()', this.socket.outbox.entries());
      case 'reconnect':
        return this.#watch('reconnect()', this.socket.reconnect());
      case 'purge':
        this.#checks.ledger.purged();
        return this.#watch('purge()', this.socket.purge(), () => this.#checks.ledger.purged());
      default:
        action satisfies never;
    }
  }

  #checkPending(): void {
    const { maxEntries = Infinity } = this.#plan.hub.queue ?? {};
    must(this.#unsettled <= maxEntries, 'queues are bounded', () => {
      return `${this.page.realm.name} has ${this.#unsettled} entries without a fate`;
    });
  }

  #topic(): string {
    return `topic${this.#random.int(1, this.#plan.workload.topics)}`;
  }

  #publishLarge(): void {
    const random = this.#random;
    const content = contentOf(random, this.#n);
    const isRefused = random.chance(0.1);
    const fate = random.pick(['sent', 'sent', 'sent', 'cancelled', 'expires', 'coalesced'] as const);
    const ttlMs = random.int(1, 6_000);
    const options =
      fate === 'expires' ? { ttlMs } : fate === 'coalesced' ? { coalesceKey: `key${random.int(1, 2)}` } : {};
    const what = payloadOf(content, isRefused ? refusedMime : 'text/plain');
    this.#publish(options, what, content);
    if (fate === 'cancelled') this.page.realm.after(random.wait(1_000), () => this.#cancel());
  }

  #publish(options: PublishOptions, what: unknown = {}, content: Content | null = null): void {
    const { ledger, progress } = this.#checks;
    const topic = this.#topic();
    const n = (this.#n += 1);
    const { name } = this.page.realm;
    const { kernel } = this.page.realm;
    const payload = content ? what : { page: name, n, ...(what as object) };
    const onProgress = (ratio: number) => kernel.guarded(() => progress.uploaded(entry, ratio));
    const delivery = this.socket.publish(topic, payload, { ...options, onProgress });
    const { id } = delivery;
    kernel.timeline.add(name, `publishes ${id}`, { n, topic, ...options, content });
    const isVolatile = options.volatile === true;
    const isUnwanted = content ? (payload as Blob).type === refusedMime : 'refuse' in (what as object);
    const entry = ledger.add({ id, page: name, n, topic, isVolatile, content, isUnwanted });
    this.#unsettled += 1;
    this.#deliveries.push(delivery);
    if (this.#deliveries.length > 20) this.#deliveries.shift();
    this.#watch(`stored of ${id}`, delivery.stored, (error) => {
      if (!error) ledger.stored(entry, this.socket.status.durability === 'memory');
    });
    this.#watch(`acked of ${id}`, delivery.acked, (error) => {
      this.#unsettled -= 1;
      if (error) ledger.failed(entry, error.code);
      else ledger.acked(entry);
    });
  }

  #cancel(): void {
    if (this.#deliveries.length === 0) return;
    const delivery = this.#random.pick(this.#deliveries.slice(-4));
    const entry = this.#checks.ledger.find(delivery.id)!;
    const cancelled = delivery.cancel().then((isCancelled) => {
      if (isCancelled) entry.isCancelled = true;
    });
    this.#watch(`cancel of ${delivery.id}`, cancelled);
  }

  #subscribe(): void {
    const { topics, cursors, file } = this.#checks;
    const topic = this.#topic();
    const isStored = this.#random.chance(0.4);
    const replay = this.#random.pick([0, 0, 3, 100]);
    const follower = topics.follow(this.page.realm.name, topic, isStored);
    cursors.begin(follower, file());
    const since = isStored ? ({ since: 'stored' } as const) : {};
    const subscription = this.socket.subscribe(topic, { replay, ...since });
    this.#subscriptions.set(subscription, follower);
    const { kernel } = this.page.realm;
    subscription.onMessage((message) =>
      kernel.guarded(() => {
        topics.message(follower, message);
        cursors.take(follower, message, false);
      }),
    );
    subscription.onGap((gap) =>
      kernel.guarded(() => {
        topics.gap(follower, gap);
        cursors.take(follower, gap, true);
      }),
    );
    subscription.onProgress((progress) =>
      kernel.guarded(() => this.#checks.progress.downloaded(follower, progress, this.socket.status.hubId)),
    );
    this.#watch(`ready of ${topic}`, subscription.ready, (error) => {
      if (!error) topics.ready(follower);
    });
  }

  #unsubscribe(): void {
    const [first] = this.#subscriptions.keys();
    if (!first) return;
    first.close();
    this.#subscriptions.delete(first);
  }

  #status(status: SocketEventMap['status']['detail']): void {
    const { hubId, state, durability, queue, storeError } = status;
    const { name, kernel } = this.page.realm;
    kernel.timeline.add(
      name,
      'hears of',
      () => `${hubId} ${state} ${durability} ${queue.entries} ${storeError?.message ?? ''}`,
    );
    if (durability !== null) this.#checks.ledger.status(durability);
    const { maxEntries = Infinity } = this.#plan.hub.queue ?? {};
    kernel.guarded(() =>
      must(
        queue.entries <= maxEntries,
        'queues are bounded',
        () => `${queue.entries} entries in the outbox of ${hubId}`,
      ),
    );
  }

  /** Remembers a promise until it settles, which it must, with a value or a ConnectionError. */
  #watch(
    what: string,
    promise: Promise<unknown>,
    settled: (error: ConnectionError | null) => void = () => {},
  ): void {
    const { kernel, name } = this.page.realm;
    const number = (this.#promiseCount += 1);
    this.#promises.set(number, what);
    const done = (error: unknown) => {
      this.#promises.delete(number);
      const isOurs = error === null || error instanceof ConnectionError;
      kernel.timeline.add(name, `settles ${what}`, isOurs ? (error?.code ?? '') : String(error));
      kernel.guarded(() => {
        must(isOurs, 'errors are ConnectionErrors', () => `${what}: ${String(error)}`);
        settled(error as ConnectionError | null);
      });
    };
    promise.then(() => done(null), done);
  }
}
