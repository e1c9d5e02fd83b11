import type { ClientMessage, ServerMessage } from '../../../src/protocol/schema.ts';
import type { TabOp, WhenFull } from '../hub-api.ts';
import { testConfig } from './config.ts';
import { HubDriver } from './hub-driver.ts';
import { PlainStore } from './plain-store.ts';

type PublishOp = Extract<TabOp, { kind: 'publish' }>;
type Refusal = ServerMessage<'welcome'>['payload']['rejected'][number];

function ok(isTrue: boolean | undefined, message: string): void {
  if (!isTrue) throw new Error(message);
}

/** A tab as far as its entries go: it keeps each until its fate, and sends again what no store has. */
export class ModelTab {
  readonly id: string;
  readonly pending = new Map<number, PublishOp>();
  readonly fates = new Map<string, string>();
  tabSeq = 0;
  storedUpTo = 0;

  constructor(id: string) {
    this.id = id;
  }

  settle(tabSeq: number, fate: string): void {
    const op = this.pending.get(tabSeq);
    if (!op) return;
    this.pending.delete(tabSeq);
    this.fates.set(op.id, fate);
  }

  acked(upTo: number): void {
    for (const tabSeq of this.pending.keys()) if (tabSeq <= upTo) this.settle(tabSeq, 'acked');
  }

  /** Another hub has taken over. */
  hubLost(takenUpTo: number): void {
    for (const [tabSeq, { volatile }] of this.pending) {
      if (volatile) this.settle(tabSeq, 'not-open');
      else ok(tabSeq <= takenUpTo || tabSeq > this.storedUpTo, `stored, and lost: ${this.id} ${tabSeq}`);
    }
  }
}

/** A server that takes entries as the protocol says, and remembers them. */
class ModelServer {
  lastSeq = 0;
  readonly taken: { readonly id: string; readonly seq: number }[] = [];
  readonly refusals: (Refusal & { readonly id: string })[] = [];

  /** Gives the refusal, if it was one. */
  take({ id, seq }: ClientMessage<'publish'>, refuses: boolean): Refusal | undefined {
    if (seq <= this.lastSeq) return undefined;
    this.lastSeq = seq;
    if (!refuses) {
      this.taken.push({ id, seq });
      return undefined;
    }
    this.refusals.push({ id, seq, code: 'rejected', message: 'no' });
    return this.refusals.at(-1);
  }
}

/** Tabs, hubs one after the other, a store that survives them, and a server. */
export class OutboxWorld {
  readonly tabs = ['a', 'b', 'c'].map((id) => new ModelTab(id));
  readonly store = new PlainStore();
  readonly server = new ModelServer();
  readonly #written = new Set<number>();
  readonly #config;
  driver: HubDriver;
  /** Commits of this hub that the store has, among those that the hub does not know of. */
  #writtenCommits = 0;
  #dial: number | undefined;
  #wire: ClientMessage<'publish'>[] = [];
  #nacks: Refusal[] = [];
  #ids = 0;

  constructor(whenFull: WhenFull) {
    const backoff = { ...testConfig.backoff, maxAttempts: Infinity };
    this.#config = { backoff, queue: { maxEntries: 6, maxBytes: 60, maxAgeMs: 400, whenFull } };
    this.driver = this.#start();
  }

  publish(index: number, bytes: number, more: Pick<PublishOp, 'ttlMs' | 'coalesceKey' | 'volatile'>): void {
    const tab = this.tabs[index]!;
    const tabSeq = (tab.tabSeq += 1);
    const id = `${tab.id}${tabSeq}:${(this.#ids += 1)}`;
    const op = { kind: 'publish', tabSeq, id, topic: 't', ts: 0, json: 'x'.repeat(bytes), ...more } as const;
    tab.pending.set(tabSeq, op);
    this.driver.ops(tab.id, op);
    this.#observe();
  }

  op(index: number, op: TabOp): void {
    this.driver.ops(this.tabs[index]!.id, op);
    this.#observe();
  }

  /** Any entry that somebody waits for. */
  pendingId(index: number): string {
    const ids = this.tabs.flatMap(({ pending }) => Array.from(pending.values(), ({ id }) => id));
    return ids[index % Math.max(1, ids.length)] ?? 'none';
  }

  /** The store writes, and the hub does not hear of it yet. */
  write(count: number): void {
    for (const { change } of this.driver.commits.slice(this.#writtenCommits, this.#writtenCommits + count)) {
      this.#writtenCommits += 1;
      for (const { seq } of change.entries) this.#written.add(seq);
      this.store.write(change);
    }
  }

  /** The hub hears of so many commits. */
  settle(count: number): void {
    this.write(Math.max(0, count - this.#writtenCommits));
    const settled = Math.min(count, this.#writtenCommits);
    this.#writtenCommits -= settled;
    if (settled > 0) this.driver.commit(settled);
    this.#observe();
  }

  connect(): void {
    if (this.driver.state === 'backoff') this.driver.advance(this.driver.dueIn('connection')!);
    if (this.driver.state !== 'connecting') return;
    const { lastSeq, refusals } = this.server;
    const { acked } = this.driver.hub.outbox;
    const rejected = refusals.filter(({ seq }) => seq > acked).map(({ id: _, ...refusal }) => refusal);
    this.driver.open();
    this.driver.welcome({ lastSeq: Math.max(lastSeq, acked), rejected, limits: { window: 3 } });
    this.#observe();
  }

  lose(code: number): void {
    if (this.driver.hub.session) this.driver.lost(code);
    this.#observe();
  }

  serverTakes(count: number, refuses: boolean): void {
    for (const publish of this.#wire.splice(0, count)) {
      const nack = this.server.take(publish, refuses);
      if (nack) this.#nacks.push(nack);
    }
  }

  ack(): void {
    if (!this.driver.hub.session) return;
    const nacks = this.#nacks
      .splice(0)
      .map(({ seq, ...payload }) => ({ type: 'nack', seq, payload }) as const);
    this.driver.frame(...nacks, { type: 'ack', seq: this.server.lastSeq });
    this.#observe();
  }

  sleep(ms: number): void {
    this.driver.advance(ms);
    this.#observe();
  }

  /** The hub dies; the next one has what was written. */
  crash(): void {
    const { now } = this.driver;
    this.driver = this.#start();
    this.driver.now = now;
    for (const tab of this.tabs) this.#attach(tab, true);
  }

  reattach(index: number): void {
    const tab = this.tabs[index]!;
    this.driver.run({ kind: 'tab-gone', tabId: tab.id });
    this.#observe();
    this.#attach(tab, false);
  }

  /** Lets everything come to its end. */
  drain(): void {
    const isDone = () =>
      this.driver.status.queue.entries === 0 && this.tabs.every(({ pending }) => pending.size === 0);
    for (let round = 0; round < 200 && !isDone(); round++) {
      this.settle(Infinity);
      this.connect();
      this.serverTakes(9, false);
      this.ack();
    }
  }

  /** What is true of the world at its end. */
  check(): void {
    const taken = this.server.taken.map(({ id }) => id);
    ok(new Set(taken).size === taken.length, 'taken twice');
    for (const tab of this.tabs) {
      ok(tab.pending.size === 0, `without a fate: ${tab.id} ${[...tab.pending.keys()]}`);
      const own = taken.filter((id) => id.startsWith(tab.id)).map((id) => Number.parseInt(id.slice(1)));
      ok(String(own) === String(own.toSorted((a, b) => a - b)), `out of order: ${own}`);
      for (const [id, fate] of tab.fates) {
        if (fate === 'not-open' || fate === 'purged' || fate === 'too-large') continue;
        ok(taken.includes(id) === (fate === 'acked'), `${id}: ${fate}`);
        const wasRefused = this.server.refusals.some((refusal) => refusal.id === id);
        ok(wasRefused === (fate === 'rejected'), `${id}: ${fate}`);
      }
    }
    const { entries, bytes } = this.driver.status.queue;
    ok(entries === 0 && bytes === 0, `${entries} entries, ${bytes} bytes`);
  }

  #start(): HubDriver {
    this.#writtenCommits = 0;
    this.#dial = undefined;
    this.#wire = [];
    this.#nacks = [];
    const driver = new HubDriver(this.#config, this.store.open());
    driver.storesAtOnce = false;
    if (!this.driver) for (const { id } of this.tabs) driver.attach(id);
    return driver;
  }

  #attach(tab: ModelTab, isNewHub: boolean): void {
    const { takenUpTo, storedUpTo, ackedUpTo } = this.driver.hub.outbox.tabSeqs(tab.id);
    const failed = this.driver.hub.tabs.failuresOf(tab.id);
    this.driver.attach(tab.id);
    if (isNewHub) tab.hubLost(takenUpTo);
    for (const { tabSeq, error } of failed) tab.settle(tabSeq, error.code);
    tab.storedUpTo = isNewHub ? storedUpTo : Math.max(tab.storedUpTo, storedUpTo);
    tab.acked(ackedUpTo);
    this.driver.ops(tab.id, ...[...tab.pending.values()].filter((op) => op.tabSeq > takenUpTo));
    this.#observe();
  }

  /** Takes what the hub has sent and told. */
  #observe(): void {
    const { session } = this.driver.hub;
    const { entries, bytes } = this.driver.status.queue;
    ok(entries <= 6 && bytes <= 60 && entries >= 0 && bytes >= 0, `${entries} entries, ${bytes} bytes`);
    if (session?.dial !== this.#dial) {
      this.#dial = session?.dial;
      this.#wire = [];
      this.#nacks = [];
    }
    for (const { head } of this.driver.sent('publish')) {
      const publish = head as ClientMessage<'publish'>;
      if (this.#dial !== undefined) this.#wire.push(publish);
      const op = this.tabs
        .flatMap(({ pending }) => [...pending.values()])
        .find(({ id }) => id === publish.id);
      ok(op?.volatile || this.#written.has(publish.seq), `sent before it was stored: ${publish.id}`);
    }
    for (const tab of this.tabs) {
      for (const item of this.driver.items(tab.id)) {
        if (item.kind === 'failed') tab.settle(item.tabSeq, item.error.code);
        if (item.kind === 'stored') tab.storedUpTo = Math.max(tab.storedUpTo, item.upTo);
        if (item.kind === 'acked') tab.acked(item.upTo);
      }
    }
    this.driver.forget();
  }
}
