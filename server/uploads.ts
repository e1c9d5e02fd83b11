import * as closeCodes from '../src/protocol/close-codes.ts';
import * as protocolLimits from '../src/protocol/limits.ts';
import type { ClientMessage } from '../src/protocol/schema.ts';
import type { LargePayload } from './backbone.ts';
import type { ServerContext } from './context.ts';
import * as serverLimits from './limits.ts';
import { settle } from './maybe-promise.ts';
import type { Outbound } from './outbound.ts';
import { forbidden, type Policy } from './policy.ts';
import { wireFailure, type Refusal } from './request-error.ts';
import { noTransferRoom, type Transfer } from './transfer-store.ts';

type Offer = ClientMessage<'offer'>;

/** What uploads need of their session. */
export interface UploadOwner {
  readonly context: ServerContext;
  /** Key of the client, under which the transfers outlive the connection. */
  readonly key: string;
  readonly policy: Policy;
  readonly outbound: Outbound;
  close(code: number, reason: string): void;
  failed(reason: unknown): void;
}

/** A transfer that was offered on this connection. `transfer` is there once the offer is accepted. */
interface Upload {
  readonly offer: Offer;
  transfer: Transfer | undefined;
}

/** What one connection sends in chunks. */
export class Uploads {
  readonly #owner: UploadOwner;
  readonly #byId = new Map<string, Upload>();
  /** Recently given up or refused: their chunks can be under way still. Oldest first. */
  readonly #ended = new Set<string>();
  /** Offers that `authorize` is asked about, those included that were given up meanwhile. */
  #asking = 0;
  /** Chunks whose acknowledgement has not been sent. */
  #unacknowledged = 0;

  constructor(owner: UploadOwner) {
    this.#owner = owner;
  }

  /** Takes an offer: begins a transfer, or goes on with one. */
  offer(offer: Offer): void {
    const { policy, context } = this.#owner;
    // One at a time for each transfer that a client may have: who asks for more has to wait.
    if (this.#asking >= context.limits.transfers) return this.#refuse(offer, noTransferRoom);
    const upload: Upload = { offer, transfer: undefined };
    this.#byId.set(offer.transfer, upload);
    this.#ended.delete(offer.transfer);
    this.#asking++;
    settle(
      policy.allows('publish', offer.topic),
      (allowed) => {
        this.#asking--;
        if (this.#byId.get(offer.transfer) !== upload) return;
        if (allowed) this.#accept(upload);
        else this.#refuse(offer, forbidden(offer.topic));
      },
      (reason) => this.#owner.failed(reason),
    );
  }

  /** Takes a chunk. */
  chunk({ transfer: id, at, payload }: ClientMessage<'chunk'>): void {
    const owner = this.#owner;
    const { context, key, outbound } = owner;
    if (!(payload instanceof Uint8Array))
      return owner.close(closeCodes.malformedFrame, 'a chunk is a binary frame');
    const upload = this.#byId.get(id);
    if (!upload && this.#ended.has(id)) return;
    const transfer = upload?.transfer;
    if (!transfer) return owner.close(closeCodes.unexpected, 'a chunk of no transfer under way');
    const expected = Math.min(protocolLimits.chunkBytes, transfer.size - transfer.received);
    if (at !== transfer.received || expected === 0 || payload.byteLength !== expected)
      return owner.close(closeCodes.unexpected, 'a chunk out of its place, or of another length');
    if (++this.#unacknowledged > protocolLimits.chunksUnderWay)
      return owner.close(closeCodes.limitExceeded, 'too many chunks without an acknowledgement');
    if (!context.transfers.append(key, transfer, unpinned(payload))) {
      context.transfers.drop(key, id);
      return this.#refuse(upload.offer, noTransferRoom);
    }
    outbound.push({ type: 'chunk-ack', transfer: id, received: transfer.received });
  }

  /** Gives a transfer up, where there is one. */
  abandon(id: string): void {
    if (this.#byId.delete(id)) this.#end(id);
    this.drop(id);
  }

  /** What a publish names, once all of it has come. */
  content({
    id,
    size,
    form,
    mime,
  }: NonNullable<ClientMessage<'publish'>['transfer']>): LargePayload | undefined {
    const { context, key } = this.#owner;
    const transfer = context.transfers.complete(key, id);
    if (transfer?.size !== size) return undefined;
    // A name of its own: the id is the client's choice, and others could have chosen the same.
    return { id: context.randomId(), size, form, mime, parts: transfer.parts };
  }

  /** The publish of a transfer has been answered. */
  drop(id: string): void {
    this.#byId.delete(id);
    this.#owner.context.transfers.drop(this.#owner.key, id);
  }

  /** All acknowledgements have been sent. */
  flushed(): void {
    this.#unacknowledged = 0;
  }

  /** The connection has ended. */
  end(): void {
    this.#byId.clear();
  }

  #accept(upload: Upload): void {
    const owner = this.#owner;
    const { context, key, outbound } = owner;
    const { transfers, limits } = context;
    const { transfer: id, size } = upload.offer;
    // What an earlier connection left behind, and this one does not go on with, is in its way.
    const known = transfers.ids(key);
    if (known.length >= limits.transfers && !known.includes(id))
      for (const other of known) if (!this.#byId.has(other)) transfers.drop(key, other);
    const offered = transfers.offer(key, id, size);
    if (offered.kind === 'refused') return this.#refuse(upload.offer, offered.refusal);
    const { transfer } = offered;
    if (transfer.size !== size)
      return owner.close(closeCodes.unexpected, 'a transfer offered with another size');
    upload.transfer = transfer;
    outbound.push({ type: 'chunk-ack', transfer: id, received: transfer.received });
  }

  #refuse({ id: re, topic, transfer }: Offer, refusal: Refusal): void {
    const { limitHits } = this.#owner.context;
    if (refusal.code === 'limit') limitHits.hit('transfers', { topic });
    if (refusal.code === 'too-large') limitHits.hit('message-bytes', { topic });
    this.#byId.delete(transfer);
    this.#end(transfer);
    this.#owner.outbound.push({ type: 'error', re, topic, payload: wireFailure(refusal) });
  }

  #end(id: string): void {
    this.#ended.delete(id);
    this.#ended.add(id);
    if (this.#ended.size <= serverLimits.endedTransfers) return;
    const [oldest] = this.#ended;
    this.#ended.delete(oldest!);
  }
}

/** The bytes, copied where they would keep much more than themselves in memory: what a socket has read at once. */
function unpinned(bytes: Uint8Array): Uint8Array {
  const most = bytes.byteLength + protocolLimits.binaryHeaderBytes * 2;
  return bytes.buffer.byteLength > most ? new Uint8Array(bytes) : bytes;
}
