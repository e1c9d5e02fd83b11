import type { TabOp } from '../../worker/core/hub-api.ts';
import * as coreLimits from '../../worker/core/limits.ts';
import * as tabLimits from '../../src/limits.ts';
import type { Realm } from '../kernel/realm.ts';
import { saidByHub, type Frame } from './frames.ts';
import { must } from './violation.ts';

/** What is under way between tabs, hubs and servers, which has a bound on every hop. */
export class Bounds {
  /** Sequences that a hub has sent on its connection of now, and that have no answer. */
  readonly #entries = new Map<Realm, number[]>();
  readonly #window: number;

  constructor(window: number) {
    this.#window = window;
  }

  /** A batch goes to a tab, as one of so many that it has not answered. */
  delivering(hub: Realm, count: number): void {
    must(count <= coreLimits.batchesUnderWay, 'batches are bounded', () => {
      return `${hub.name} has ${count} batches under way to one tab`;
    });
  }

  /** A batch goes to the hub, as one of so many that it has not answered. */
  pushing(page: Realm, count: number, ops: readonly TabOp[]): void {
    const isBounded = count <= tabLimits.batchesUnderWay && ops.length <= tabLimits.batchOps;
    must(isBounded, 'batches are bounded', () => {
      return `${page.name} has ${count} batches under way, the last of ${ops.length}`;
    });
  }

  /** Entries that were purged are the hub's no more, whatever the server answers. */
  purged(hub: Realm): void {
    this.#entries.set(hub, []);
  }

  dialled(client: Realm): void {
    this.#entries.set(client, []);
  }

  sent(client: Realm, data: Frame): void {
    const entries = this.#entries.get(client)!;
    if (typeof data === 'string') {
      for (const [, seq] of data.matchAll(/"type":"publish",.*?"seq":(\d+)/g)) entries.push(Number(seq));
    } else {
      for (const envelope of saidByHub(data)) if (envelope.type === 'publish') entries.push(envelope.seq);
    }
    must(entries.length <= this.#window, 'the window bounds', () => {
      return `${client.name} has ${entries.length} entries under way`;
    });
  }

  received(client: Realm, data: Frame): void {
    const entries = this.#entries.get(client);
    if (!entries || entries.length === 0 || typeof data !== 'string') return;
    for (const [, type, text] of data.matchAll(/"type":"(n?ack)","seq":(\d+)/g)) {
      const seq = Number(text);
      const left = entries.filter((each) => (type === 'ack' ? each > seq : each !== seq));
      entries.splice(0, entries.length, ...left);
    }
  }
}
