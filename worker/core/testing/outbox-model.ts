import type { ClientMessage, ServerMessage } from '../../../src/protocol/schema.ts';
import type { TabOp } from '../hub-api.ts';

/** An entry as its tab tells it. */
export type PublishOp = Extract<TabOp, { kind: 'publish' }>;
/** A refusal as a welcome repeats it. */
export type Refusal = ServerMessage<'welcome'>['payload']['rejected'][number];

/** Throws unless it holds. */
export function ok(isTrue: boolean | undefined, message: string): void {
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

  acked(upTo: number, but: readonly number[] = [], hasTaken: (id: string) => boolean): void {
    for (const [tabSeq, { id }] of this.pending) {
      if (tabSeq > upTo || but.includes(tabSeq)) continue;
      ok(hasTaken(id), `acknowledged too early: ${id}`);
      this.settle(tabSeq, 'acked');
    }
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
export class ModelServer {
  lastSeq = 0;
  readonly taken: { readonly id: string; readonly topic: string }[] = [];
  readonly refusals: (Refusal & { readonly id: string })[] = [];
  /** What has come of each transfer, and of how much. */
  readonly transfers = new Map<string, { readonly size: number; received: number }>();

  /** Gives the refusal, if it was one. */
  take({ id, seq, topic, transfer }: ClientMessage<'publish'>, refuses: boolean): Refusal | undefined {
    if (seq <= this.lastSeq) return undefined;
    this.lastSeq = seq;
    const content = transfer && this.transfers.get(transfer.id);
    const isLost = transfer && (content?.received !== transfer.size || seq % 3 === 0);
    if (transfer) this.transfers.delete(transfer.id);
    if (!refuses && !isLost) {
      this.taken.push({ id, topic });
      return undefined;
    }
    this.refusals.push({ id, seq, code: isLost ? 'transfer-lost' : 'rejected', message: 'no' });
    return this.refusals.at(-1);
  }

  /** Gives how much it has. */
  offer({ transfer, size }: ClientMessage<'offer'>): number {
    const known = this.transfers.get(transfer) ?? { size, received: 0 };
    this.transfers.set(transfer, known);
    return known.received;
  }

  chunk({ transfer, at }: ClientMessage<'chunk'>, bytes: number): number {
    const known = this.transfers.get(transfer);
    ok(known?.received === at && bytes > 0, `a chunk out of its place: ${transfer} ${at}`);
    return (known!.received += bytes);
  }
}
