import { equal, ok } from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'vitest';
import { joined } from './testing/config.ts';
import type { ServerMessage } from '../../src/protocol/schema.ts';
import { collectMessages } from './collect.ts';
import type { Position, TabItem } from './hub-api.ts';
import type { Tab } from './tab-types.ts';
import { tailMessages } from './limits.ts';
import { takeAnswers, Tabs } from './tabs.ts';
import { largeSize, TopicServer } from './testing/topic-server.ts';
import type { TopicRequest } from './topic-request.ts';
import { Topics } from './topics.ts';

type Command =
  | { readonly kind: 'subscribe'; readonly tab: number; readonly replay: number }
  | { readonly kind: 'unsubscribe' | 'pause' | 'attach' | 'read'; readonly which: number }
  | { readonly kind: 'publish' | 'deliver' | 'trim'; readonly count: number }
  /** Messages that come through at once, and are read by one tab. */
  | { readonly kind: 'flow'; readonly count: number; readonly which: number }
  | { readonly kind: 'connect' | 'session-lost' | 'epoch' | 'hub-lost' };

const counts = fc.oneof({ weight: 40, arbitrary: fc.nat(8) }, { weight: 1, arbitrary: fc.constant(20_000) });
const kinds = <const K extends Command['kind']>(...names: K[]) => fc.constantFrom(...names);
const commands: fc.Arbitrary<Command[]> = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.record({ kind: kinds('subscribe'), tab: fc.nat(2), replay: fc.nat(6) }) },
    { weight: 6, arbitrary: fc.record({ kind: kinds('flow'), count: fc.nat(4), which: fc.nat(2) }) },
    { weight: 5, arbitrary: fc.record({ kind: kinds('attach', 'attach', 'read'), which: fc.nat(5) }) },
    { weight: 2, arbitrary: fc.record({ kind: kinds('unsubscribe', 'pause'), which: fc.nat(9) }) },
    { weight: 3, arbitrary: fc.record({ kind: kinds('publish', 'deliver', 'trim'), count: counts }) },
    { weight: 4, arbitrary: fc.record({ kind: kinds('connect') }) },
    { weight: 2, arbitrary: fc.record({ kind: kinds('session-lost', 'hub-lost', 'hub-lost', 'epoch') }) },
  ),
  { maxLength: 60, size: 'max' },
);

/** What one subscription may see next: the one after `last`, or a gap. */
class Reader {
  readonly tab: number;
  readonly sub: number;
  readonly #replay: number;
  /** Where it began; its first message is at most `replay` before that, and not after it. */
  #begin: Position | null = null;
  last: Position | null = null;
  /** Whether the hub knows of it: each tab finds a new hub in its own time. */
  isAttached = true;
  hasFallenBehind = false;
  #replayed = 0;

  constructor(tab: number, sub: number, replay: number) {
    this.tab = tab;
    this.sub = sub;
    this.#replay = replay;
  }

  take(item: TabItem): void {
    switch (item.kind) {
      case 'subscribed':
        this.#begin ??= item.position;
        return;
      case 'gap':
        if (item.reason === 'slow-tab') this.hasFallenBehind = true;
        // Only a history that began anew may lead back.
        if (this.last?.epoch === item.epoch && item.reason !== 'epoch') {
          ok(item.offset >= this.last.offset, 'a gap leads back');
        }
        this.last = { epoch: item.epoch, offset: item.offset };
        return;
      case 'messages': {
        const rows = JSON.parse(item.rows) as [string, number, number][];
        for (let index = item.skip; index < rows.length; index++) {
          equal(rows[index]![2], item.offset + index);
          this.#message({ epoch: item.epoch, offset: item.offset + index });
        }
        return;
      }
      case 'large':
        equal(item.large.blob.size, largeSize(item.offset));
        return this.#message({ epoch: item.epoch, offset: item.offset });
      case 'progress':
        return ok(item.received < item.size);
      default:
        throw new Error(`no item of kind ${item.kind} belongs here`);
    }
  }

  #message(position: Position): void {
    const begin = this.#begin!;
    if (this.last) {
      const isNext = position.epoch === this.last.epoch && position.offset === this.last.offset + 1;
      ok(isNext, `${JSON.stringify(position)} does not follow ${JSON.stringify(this.last)}`);
    } else if (position.epoch === begin.epoch) {
      ok(position.offset <= begin.offset + 1, 'the first message leaves a hole');
    }
    if (position.epoch !== begin.epoch || position.offset <= begin.offset) this.#replayed += 1;
    if (position.epoch === begin.epoch && position.offset > begin.offset) {
      ok(this.#replayed <= this.#replay, 'more is replayed than was wanted');
    }
    this.last = position;
  }

  /** What it would say to a hub that does not know it. */
  wish(): { sub: number; topic: string; replay: number; since?: Position } {
    const base = { sub: this.sub, topic: 't', replay: this.#replay };
    const since = this.last ?? this.#begin;
    return since ? { ...base, since: { ...since } } : base;
  }

  /** A reader that goes on where this one is, at another hub. */
  goOn(): void {
    this.last ??= this.#begin;
    this.#replayed = -Infinity;
    this.isAttached = false;
  }

  isAt(head: Position): boolean {
    const { epoch, offset } = this.last ?? this.#begin!;
    return epoch === head.epoch && offset === head.offset;
  }
}

class World {
  readonly server = new TopicServer();
  readonly readers: Reader[] = [];
  topics = new Topics(joined);
  #tabs = this.#freshTabs();
  #isConnected = false;
  #subs = 0;

  run(command: Command): void {
    switch (command.kind) {
      case 'subscribe': {
        const reader = new Reader(command.tab, (this.#subs += 1), command.replay);
        this.readers.push(reader);
        this.topics.subscribe(this.#tab(reader), reader.wish());
        return this.ask();
      }
      case 'unsubscribe': {
        const [reader] = this.readers.splice(command.which, 1);
        if (reader) this.#tell(this.topics.unsubscribe(this.#tab(reader), reader.sub));
        return;
      }
      case 'attach':
        return this.attach(this.readers[command.which]);
      case 'flow':
        this.server.publish(command.count);
        this.deliver(Infinity);
        this.read(command.which);
        return;
      case 'pause':
        return this.setPaused(this.readers[command.which], true);
      case 'read':
        this.read(command.which % this.#tabs.length);
        return;
      case 'publish':
        return this.server.publish(command.count);
      case 'deliver':
        return this.deliver(command.count);
      case 'trim':
        return this.server.trim(command.count);
      case 'connect':
        this.#isConnected = true;
        return this.ask();
      case 'session-lost':
        return this.loseSession();
      case 'epoch':
        return this.server.beginAnew();
      case 'hub-lost':
        return this.loseHub();
      default:
        command satisfies never;
    }
  }

  /** Everybody reads all that there is. */
  settle(): void {
    this.#isConnected = true;
    this.ask();
    for (const reader of this.readers) {
      this.attach(reader);
      this.setPaused(reader, false);
    }
    this.deliver(Infinity);
    for (const tab of this.#tabs.keys()) while (this.read(tab) > 0);
  }

  ask(): void {
    if (this.#isConnected) this.#tell(this.topics.ask());
  }

  deliver(count: number): void {
    let run: ServerMessage<'message'>[] = [];
    const takeRun = () => {
      this.topics.take(run);
      run = [];
    };
    for (let taken = 0; taken < count; taken++) {
      const envelope = this.server.next();
      if (envelope?.type === 'message') run.push(envelope);
      if (envelope?.type !== 'message' || run.length === 64) takeRun();
      if (envelope?.type === 'subscribed') {
        this.topics.confirmed(envelope);
        this.ask();
      }
      if (envelope?.type === 'chunk') this.topics.takeChunk(envelope);
      if (envelope?.type === 'gap') this.topics.gap(envelope);
      if (!envelope) break;
    }
    takeRun();
  }

  read(tab: number): number {
    const items = [...takeAnswers(this.#tabs[tab]!), ...collectMessages(this.#tabs[tab]!)];
    for (const item of items) {
      const reader = this.readers.find((each) => each.tab === tab && 'sub' in item && each.sub === item.sub);
      reader?.take(item);
    }
    return items.length;
  }

  setPaused(reader: Reader | undefined, isPaused: boolean): void {
    const subscription = reader && this.#tab(reader).subscriptions.get(reader.sub);
    if (!subscription) return;
    subscription.paused = isPaused;
    if (!isPaused) subscription.tab.ready.add(subscription);
  }

  loseSession(): void {
    this.#isConnected = false;
    this.server.disconnect();
    this.topics.sessionLost();
  }

  /** Another hub begins, and knows of nobody yet. */
  loseHub(): void {
    this.loseSession();
    this.topics = new Topics(joined);
    this.#tabs = this.#freshTabs();
    for (const reader of this.readers) reader.goOn();
  }

  attach(reader: Reader | undefined): void {
    if (!reader || reader.isAttached) return;
    reader.isAttached = true;
    this.topics.subscribe(this.#tab(reader), reader.wish());
    this.ask();
  }

  #freshTabs(): Tab[] {
    const tabs = new Tabs();
    return ['a', 'b', 'c'].map((id) => tabs.add(id, false, 0));
  }

  #tab(reader: Reader): Tab {
    return this.#tabs[reader.tab]!;
  }

  #tell(requests: readonly TopicRequest[]): void {
    if (this.#isConnected) for (const request of requests) this.server.take(request);
  }
}

describe('every subscription of every tab', () => {
  it('sees all messages from its start on, in order, without a hole or a repetition, but for told gaps', () => {
    fc.assert(
      fc.property(commands, (sequence) => {
        const world = new World();
        for (const command of sequence) world.run(command);
        world.settle();
        for (const reader of world.readers) {
          ok(reader.isAt(world.server.head), `${JSON.stringify(reader.last)} is not the end`);
          // A hub asks the server for what it does not keep: only a flood is too much for a tab.
          const isFlooded = sequence.some((command) => 'count' in command && command.count > tailMessages);
          ok(isFlooded || !reader.hasFallenBehind, 'falls behind without a flood');
        }
      }),
      { numRuns: 500 },
    );
  }, 60_000);
});
