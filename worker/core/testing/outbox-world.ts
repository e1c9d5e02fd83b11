import type { Outgoing as AnyOutgoing } from '../../../src/protocol/outgoing.ts';
import type { ClientEnvelope, ClientMessage } from '../../../src/protocol/schema.ts';
import type { TabOp, WhenFull } from '../hub-api.ts';
import type { HubEffect } from '../hub-types.ts';
import { testConfig } from './config.ts';
import { HubDriver } from './hub-driver.ts';
import { ModelServer, ModelTab, ok, type PublishOp, type Refusal } from './outbox-model.ts';
import { PlainStore } from './plain-store.ts';

type Outgoing = AnyOutgoing<ClientEnvelope>;
type Answer = Parameters<HubDriver['frame']>[0];
interface Kind {
  readonly topic?: string;
  readonly isLarge?: boolean;
}

/** Tabs, hubs one after the other, a store that survives them, and a server. */
export class OutboxWorld {
  readonly tabs = ['a', 'b', 'c'].map((id) => new ModelTab(id));
  readonly store = new PlainStore();
  readonly server = new ModelServer();
  readonly #written = new Set<number>();
  readonly #volatile = new Set<string>();
  readonly #config;
  driver: HubDriver;
  /** Commits of this hub that the store has, among those that the hub does not know of. */
  #writtenCommits = 0;
  #dial: number | undefined;
  #wire: Outgoing[] = [];
  #answers: Answer[] = [];
  #reads: Extract<HubEffect, { kind: 'read-chunk' }>[] = [];
  #ids = 0;

  readonly #hasTaken = (id: string): boolean => this.server.taken.some((each) => each.id === id);

  constructor(whenFull: WhenFull) {
    const backoff = { ...testConfig.backoff, maxAttempts: Infinity };
    this.#config = {
      backoff,
      queue: { maxEntries: 6, maxBytes: 60, maxLargeBytes: 500_000, maxAgeMs: 400, whenFull },
    };
    this.driver = this.#start();
  }

  /** Publishes text, or so many bytes in chunks if `more` says that it is large. */
  publish(
    index: number,
    bytes: number,
    { topic = 't', isLarge, ...more }: Pick<PublishOp, 'ttlMs' | 'coalesceKey' | 'volatile'> & Kind,
  ): void {
    const tab = this.tabs[index]!;
    const tabSeq = (tab.tabSeq += 1);
    const id = `${tab.id}${tabSeq}:${(this.#ids += 1)}`;
    const content = isLarge
      ? { large: { blob: { size: bytes * 5_000 }, form: 'blob' } as const }
      : { json: 'x'.repeat(bytes) };
    const op = { kind: 'publish', tabSeq, id, topic, ts: this.driver.now, ...content, ...more } as const;
    tab.pending.set(tabSeq, op);
    if (more.volatile) this.#volatile.add(id);
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
    for (const { head, bytes } of this.#wire.splice(0, count)) {
      if (head.type === 'abandon') this.server.transfers.delete(head.transfer);
      if (head.type === 'offer' && refuses) {
        const [code, retryable] = head.size % 10_000 === 0 ? ['limit', true] : ['rejected', false];
        this.#answers.push({ type: 'error', re: head.id, payload: { code, message: 'no', retryable } });
      } else if (head.type === 'offer') {
        this.#answer(head.transfer, this.server.offer(head));
      } else if (head.type === 'chunk') {
        this.#answer(head.transfer, this.server.chunk(head as ClientMessage<'chunk'>, bytes!.byteLength));
      } else if (head.type === 'publish') {
        const nack = this.server.take(head as ClientMessage<'publish'>, refuses);
        if (!nack) continue;
        const { seq, code, message } = nack;
        this.#answers.push({ type: 'nack', seq, payload: { code, message } });
      }
    }
  }

  /** The server forgets the contents that have come. Those under way on this connection it would refuse. */
  forget(): void {
    if (!this.driver.hub.session) this.server.transfers.clear();
  }

  /** So many parts of contents are read. */
  read(count: number): void {
    for (const { dial, transfer, at, end } of this.#reads.splice(0, count)) {
      this.driver.run({ kind: 'chunk-read', dial, transfer, at, bytes: new ArrayBuffer(end - at) });
      this.#observe();
    }
  }

  ack(): void {
    if (!this.driver.hub.session) return;
    this.driver.frame(...this.#answers.splice(0), { type: 'ack', seq: this.server.lastSeq });
    this.#observe();
  }

  /** Everybody does what is to be done, so many times. */
  carry(rounds: number): void {
    for (let round = 0; round < rounds; round++) {
      this.settle(Infinity);
      this.connect();
      this.read(9);
      this.serverTakes(9, false);
      this.ack();
    }
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
    for (let round = 0; round < 400 && !isDone(); round++) {
      this.carry(1);
      this.driver.advance(50);
      this.#observe();
    }
  }

  /** What is true of the world at its end. */
  check(): void {
    const taken = this.server.taken.map(({ id }) => id);
    ok(new Set(taken).size === taken.length, 'taken twice');
    for (const tab of this.tabs) {
      ok(tab.pending.size === 0, `without a fate: ${tab.id} ${[...tab.pending.keys()]}`);
      for (const topic of ['t', 'u']) {
        const inTopic = this.server.taken.filter(
          (each) => each.topic === topic && each.id.startsWith(tab.id),
        );
        // What is volatile passes what is held.
        const stored = inTopic.filter(({ id }) => !this.#volatile.has(id));
        const own = stored.map(({ id }) => Number.parseInt(id.slice(1)));
        ok(String(own) === String(own.toSorted((a, b) => a - b)), `out of order: ${own}`);
      }
      for (const [id, fate] of tab.fates) {
        if (fate === 'not-open' || fate === 'purged' || fate === 'too-large') continue;
        ok(taken.includes(id) === (fate === 'acked'), `${id}: ${fate}`);
        const isRefusal = (refusal: Refusal & { readonly id: string }) =>
          refusal.id === id && refusal.code === 'rejected';
        if (this.server.refusals.some(isRefusal)) ok(fate === 'rejected', `${id}: ${fate}`);
      }
    }
    const { entries, bytes } = this.driver.status.queue;
    ok(entries === 0 && bytes === 0, `${entries} entries, ${bytes} bytes`);
  }

  #start(): HubDriver {
    this.#writtenCommits = 0;
    this.#dial = undefined;
    this.#wire = [];
    this.#answers = [];
    this.#reads = [];
    const driver = new HubDriver(this.#config, this.store.open());
    driver.storesAtOnce = false;
    if (!this.driver) for (const { id } of this.tabs) driver.attach(id);
    return driver;
  }

  #answer(transfer: string, received: number): void {
    this.#answers.push({ type: 'chunk-ack', transfer, received });
  }

  #attach(tab: ModelTab, isNewHub: boolean): void {
    const { takenUpTo, storedUpTo, ackedUpTo, but } = this.driver.hub.outbox.tabSeqs(tab.id);
    const failed = this.driver.hub.tabs.failuresOf(tab.id);
    this.driver.attach(tab.id);
    if (isNewHub) tab.hubLost(takenUpTo);
    for (const { tabSeq, error } of failed) tab.settle(tabSeq, error.code);
    tab.storedUpTo = isNewHub ? storedUpTo : Math.max(tab.storedUpTo, storedUpTo);
    tab.acked(ackedUpTo, but, this.#hasTaken);
    this.driver.ops(tab.id, ...[...tab.pending.values()].filter((op) => op.tabSeq > takenUpTo));
    this.#observe();
  }

  /** Takes what the hub has sent and told. */
  #observe(): void {
    const { session } = this.driver.hub;
    const { entries, bytes } = this.driver.status.queue;
    ok(entries <= 6 && bytes <= 500_060 && entries >= 0 && bytes >= 0, `${entries} entries, ${bytes} bytes`);
    if (session?.dial !== this.#dial) {
      this.#dial = session?.dial;
      this.#wire = [];
      this.#answers = [];
    }
    this.#reads.push(...this.driver.all('read-chunk'));
    const sent = this.driver.all('send').flatMap(({ envelopes }) => envelopes);
    if (this.#dial !== undefined) this.#wire.push(...sent);
    for (const { head } of this.driver.sent('publish')) {
      const publish = head as ClientMessage<'publish'>;
      const op = this.tabs
        .flatMap(({ pending }) => [...pending.values()])
        .find(({ id }) => id === publish.id);
      ok(op?.volatile || this.#written.has(publish.seq), `sent before it was stored: ${publish.id}`);
    }
    for (const tab of this.tabs) {
      for (const item of this.driver.items(tab.id)) {
        if (item.kind === 'failed') tab.settle(item.tabSeq, item.error.code);
        if (item.kind === 'stored') tab.storedUpTo = Math.max(tab.storedUpTo, item.upTo);
        if (item.kind === 'acked') tab.acked(item.upTo, item.but, this.#hasTaken);
      }
    }
    this.driver.forget();
  }
}
