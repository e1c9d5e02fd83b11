import * as protocolLimits from '../../src/protocol/limits.ts';
import * as coreLimits from '../../worker/core/limits.ts';
import type { Realm } from '../kernel/realm.ts';
import { isOfTransfers, saidByHub, saidByServer, type Frame } from './frames.ts';
import { must } from './violation.ts';

interface Upload {
  readonly offerId: string;
  readonly size: number;
  /** Null before the answer to the offer. */
  received: number | null;
  sent: number;
}

/** What each hub sends in chunks: as much as it may, from where the server is, and each byte once per connection. */
export class Uploading {
  /** By hub and transfer, on the connection of now. */
  readonly #open = new Map<Realm, Map<string, Upload>>();
  /** Transfers that were offered on it. */
  readonly #offered = new Map<Realm, Set<string>>();

  dialled(client: Realm): void {
    this.#open.set(client, new Map());
    this.#offered.set(client, new Set());
  }

  /** What the hub says last on a connection may not get through: the server keeps such a transfer for a while. */
  ended(client: Realm): void {
    this.dialled(client);
  }

  sent(client: Realm, data: Frame): void {
    if (!isOfTransfers(data)) return;
    const uploads = this.#open.get(client)!;
    for (const envelope of saidByHub(data)) {
      if (envelope.type === 'offer') {
        const { id: offerId, transfer, size } = envelope;
        must(!uploads.has(transfer), 'offered once', () => `${client.name} offers ${transfer} again`);
        this.#offered.get(client)!.add(transfer);
        uploads.set(transfer, { offerId, size, received: null, sent: 0 });
      } else if (envelope.type === 'abandon') uploads.delete(envelope.transfer);
      else if (envelope.type === 'chunk') {
        const { transfer, at, payload } = envelope;
        const upload = uploads.get(transfer);
        const isNext = upload !== undefined && upload.received !== null && upload.sent === at;
        must(isNext, 'an upload goes on where it is', () => {
          return `${client.name} sends ${transfer} from ${at}, after ${upload?.sent} of which the server has ${upload?.received}`;
        });
        upload!.sent += (payload as Uint8Array).byteLength;
      }
    }
    this.#checkBounds(client, uploads);
  }

  /** Whether a transfer was offered on a connection that lives. One of before is the server's to keep for a while. */
  wasOffered(transfer: string): boolean {
    return [...this.#offered].some(([{ isDead }, offered]) => !isDead && offered.has(transfer));
  }

  received(client: Realm, data: Frame): void {
    const uploads = this.#open.get(client);
    if (!uploads || uploads.size === 0 || typeof data !== 'string') return;
    if (!data.includes('"chunk-ack"') && !data.includes('"error"')) return;
    for (const envelope of saidByServer(data)) {
      if (envelope.type === 'error') {
        for (const [id, { offerId }] of uploads) if (offerId === envelope.re) uploads.delete(id);
      } else if (envelope.type === 'chunk-ack') {
        const upload = uploads.get(envelope.transfer);
        if (!upload) continue;
        if (upload.received === null) upload.sent = envelope.received;
        upload.received = envelope.received;
        if (upload.received === upload.size) uploads.delete(envelope.transfer);
      }
    }
  }

  #checkBounds(client: Realm, uploads: ReadonlyMap<string, Upload>): void {
    let chunks = 0;
    for (const { sent, received } of uploads.values()) {
      chunks += Math.ceil((sent - (received ?? sent)) / protocolLimits.chunkBytes);
    }
    must(chunks <= protocolLimits.chunksUnderWay, 'chunks are bounded', () => {
      return `${client.name} has ${chunks} chunks under way`;
    });
    must(uploads.size <= coreLimits.uploads, 'uploads are bounded', () => {
      return `${client.name} has ${uploads.size} uploads under way`;
    });
  }
}
