import * as protocolLimits from '../../src/protocol/limits.ts';
import * as coreLimits from './limits.ts';
import type { Slot } from './outbox-slots.ts';

/** The content of a large entry on its way to the server. The transfer has the id of the entry. */
export interface Upload {
  /** In the place where the entry is now. */
  slot: Slot;
  /** Id of the envelope that offered it; null where the server takes no chunks. */
  readonly offerId: string | null;
  readonly size: number;
  /** Bytes that the server has, and those that it has or that are on their way; null before its answer to the offer. */
  received: number | null;
  sent: number;
  isReading: boolean;
  /** What its tab was told last. */
  toldRatio: number;
  /** The server has all of it, and the entry has gone into the log. */
  isDone: boolean;
}

/** What the connection that is open now carries. Of an earlier one nothing is kept: the server knows how far it came. */
export class Uploads {
  /** By transfer. */
  readonly #byId = new Map<string, Upload>();
  /** Those that the server had no room for, until it is asked again. */
  readonly #waiting = new Set<string>();

  get(transfer: string): Upload | undefined {
    return this.#byId.get(transfer);
  }

  /** Whether the entry can be offered now. */
  mayBegin({ entry }: Slot): boolean {
    if (this.#byId.has(entry.id) || this.#waiting.has(entry.id)) return false;
    return [...this.#byId.values()].filter((upload) => !isWhole(upload)).length < coreLimits.uploads;
  }

  begin(slot: Slot, offerId: string | null): Upload {
    const size = slot.entry.large!.blob.size;
    const upload: Upload = {
      slot,
      offerId,
      size,
      received: offerId === null ? 0 : null,
      sent: 0,
      isReading: false,
      toldRatio: 0,
      isDone: false,
    };
    this.#byId.set(slot.entry.id, upload);
    return upload;
  }

  /** Those that the server has whole, and that could not go into the log. */
  whole(): Upload[] {
    return [...this.#byId.values()].filter(
      (upload) => isWhole(upload) && !upload.isDone && upload.slot.state === 'live',
    );
  }

  end(transfer: string): void {
    this.#byId.delete(transfer);
  }

  /** The offer with this id was refused; later, if the server may have room then. */
  refused(offerId: string, isLater: boolean): Upload | undefined {
    for (const [id, upload] of this.#byId) {
      if (upload.offerId !== offerId) continue;
      this.#byId.delete(id);
      if (isLater) this.#waiting.add(id);
      return upload;
    }
    return undefined;
  }

  /** Asks the server again. */
  retry(): void {
    this.#waiting.clear();
  }

  sessionLost(): void {
    this.#byId.clear();
    this.#waiting.clear();
  }

  /** Forgets those whose entries have a fate. */
  dropEnded(): void {
    for (const [id, { slot }] of this.#byId) if (slot.state !== 'live') this.#byId.delete(id);
  }

  /** Those that have the next chunks to be read, as many as may be under way. */
  nextReads(): Upload[] {
    const open = [...this.#byId.values()].filter(({ received, isDone }) => received !== null && !isDone);
    const underWay = open.reduce((sum, { received, sent, isReading }) => {
      return sum + Math.ceil((sent - received!) / protocolLimits.chunkBytes) + Number(isReading);
    }, 0);
    return open
      .filter(({ isReading, sent, size }) => !isReading && sent < size)
      .slice(0, Math.max(0, protocolLimits.chunksUnderWay - underWay));
  }
}

const isWhole = ({ offerId, received, size }: Upload): boolean => offerId !== null && received === size;
