import type { CommitObserver } from '../browser/disk.ts';
import type { ClientOpened, HandledPublish } from '../server/sim-backbone.ts';
import { must } from './violation.ts';

const epochSequences = 2 ** 32;

/** Never two hubs whose writes are both accepted, neither by the store nor by the server. */
export class Fencing {
  /** The epoch that a connection of the store opened with. */
  readonly #writers = new WeakMap<object, number>();
  /** The newest sequence of each client that the server handled. */
  readonly #handled = new Map<string, number>();
  /** The newest opening of each client at the server. */
  readonly #opened = new Map<string, { readonly epoch: number; readonly lease: number }>();

  /** A server begins with an empty memory. */
  began(): void {
    this.#handled.clear();
    this.#opened.clear();
  }

  readonly committed: CommitObserver = (writer, file, writes) => {
    const record = (source: ReadonlyMap<unknown, unknown> | undefined) =>
      [...(source?.values() ?? [])][0] as readonly [string, number] | undefined;
    const before = record(file.records('client'));
    const after = record(writes.get('client'));
    const epoch = before?.[1] ?? 0;
    const known = this.#writers.get(writer);
    if (after && after[1] > epoch) {
      this.#writers.set(writer, after[1]);
      return;
    }
    if (writes.size === 0 || !before) return;
    // A connection that was opened again goes on with the epoch of its hub, which its first write shows.
    if (known === undefined && after) this.#writers.set(writer, after[1]);
    must((known ?? after?.[1] ?? epoch) === epoch, 'one hub writes', () => {
      return `the store took a write of epoch ${known} while ${epoch} has it`;
    });
  };

  opened({ opening: { key, epoch }, result }: ClientOpened): void {
    const newest = this.#opened.get(key) ?? { epoch: 0, lease: 0 };
    must(result.kind === 'stale' || epoch >= newest.epoch, 'an older hub is refused', () => {
      return `${key} came with epoch ${epoch}, after ${newest.epoch}`;
    });
    if (result.kind === 'open') this.#opened.set(key, { epoch, lease: result.lease });
  }

  handled({ publication: { client, id }, result }: HandledPublish): void {
    if (!client || result.kind !== 'published') return;
    const { lease = 0 } = this.#opened.get(client.key) ?? {};
    must(client.lease === lease, 'one connection publishes', () => {
      return `${id} came by lease ${client.lease}, after ${lease} was given`;
    });
    const last = this.#handled.get(client.key) ?? 0;
    const [was, is] = [last, client.seq].map((seq) => Math.floor(seq / epochSequences));
    must(is! >= was!, 'one hub publishes', () => `${id} is of epoch ${is}, the server has seen ${was}`);
    must(client.seq > last, 'sequences ascend', () => `${id} has ${client.seq}, after ${last}`);
    this.#handled.set(client.key, client.seq);
  }
}
