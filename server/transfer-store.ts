import type { Clock } from './clock.ts';
import * as serverLimits from './limits.ts';
import type { ServerLimits } from './limits.ts';
import type { Refusal } from './request-error.ts';
import type { ServerStats } from './stats.ts';

/** The content of a large publish, as far as it has come. */
export interface Transfer {
  readonly size: number;
  /** Each as long as a chunk, but for the last. */
  readonly parts: Uint8Array[];
  received: number;
  /** Whether the client has offered it on the connection that it has. */
  isOffered: boolean;
}

/** The transfers of one client. */
interface ClientTransfers {
  readonly byId: Map<string, Transfer>;
  bytes: number;
  /** When the client disconnected; undefined while it is connected. */
  awaySince: number | undefined;
}

/** What came of an offer. */
export type Offered =
  | { readonly kind: 'open'; readonly transfer: Transfer }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/**
 * The uploads of all clients, in memory. What counts is what has come and not what was offered, so that an offer alone
 * keeps nobody else out. Those of a client that is away are kept for a while, and are the first to make room.
 */
export class TransferStore {
  readonly #clock: Clock;
  readonly #limits: ServerLimits;
  readonly #stats: ServerStats;
  readonly #clients = new Map<string, ClientTransfers>();
  /** In the order of disconnecting. */
  readonly #away = new Map<string, ClientTransfers>();
  #bytes = 0;
  #awayBytes = 0;

  constructor(clock: Clock, limits: ServerLimits, stats: ServerStats) {
    this.#clock = clock;
    this.#limits = limits;
    this.#stats = stats;
  }

  /** The client has connected. What it sent before is kept for as long as that does not stand in the way of new offers. */
  enter(key: string): void {
    this.#expire();
    for (const transfer of this.#clients.get(key)?.byId.values() ?? []) transfer.isOffered = false;
    const client = this.#away.get(key);
    if (!client) return;
    this.#away.delete(key);
    this.#awayBytes -= client.bytes;
    client.awaySince = undefined;
  }

  /** The client has disconnected. */
  leave(key: string): void {
    const client = this.#clients.get(key);
    if (!client || client.awaySince !== undefined) return;
    for (const [id, { received }] of client.byId) if (received === 0) this.drop(key, id);
    if (client.byId.size > 0) {
      client.awaySince = this.#clock.now();
      this.#away.set(key, client);
      this.#awayBytes += client.bytes;
    }
    this.#expire();
  }

  /** Ids of a client's transfers, oldest first. */
  ids(key: string): readonly string[] {
    return [...(this.#clients.get(key)?.byId.keys() ?? [])];
  }

  /** Begins a transfer of a connected client, or finds the one that it goes on with. */
  offer(key: string, id: string, size: number): Offered {
    this.#expire();
    const client = this.#clients.get(key) ?? {
      byId: new Map<string, Transfer>(),
      bytes: 0,
      awaySince: undefined,
    };
    const known = client.byId.get(id);
    if (known) {
      known.isOffered = true;
      return { kind: 'open', transfer: known };
    }
    if (client.byId.size >= this.#limits.transfers) this.#dropLeftover(key, client);
    const refusal = this.#refusal(client, size);
    if (refusal) return { kind: 'refused', refusal };
    const transfer: Transfer = { size, parts: [], received: 0, isOffered: true };
    this.#clients.set(key, client);
    client.byId.set(id, transfer);
    this.#count(client, serverLimits.transferOverheadBytes);
    return { kind: 'open', transfer };
  }

  /** Adds a chunk to a transfer of a connected client; false where there is no room for it. */
  append(key: string, transfer: Transfer, bytes: Uint8Array): boolean {
    const { byteLength } = bytes;
    if (!this.#makeRoom(byteLength)) return false;
    transfer.parts.push(bytes);
    transfer.received += byteLength;
    this.#count(this.#clients.get(key)!, byteLength);
    return true;
  }

  /** The transfer, where all of it has come. */
  complete(key: string, id: string): Transfer | undefined {
    const transfer = this.#clients.get(key)?.byId.get(id);
    return transfer?.received === transfer?.size ? transfer : undefined;
  }

  /** Forgets a transfer, where there is one. */
  drop(key: string, id: string): void {
    const client = this.#clients.get(key);
    const transfer = client?.byId.get(id);
    if (!client || !transfer) return;
    client.byId.delete(id);
    this.#count(client, -transfer.received - serverLimits.transferOverheadBytes);
    if (client.byId.size > 0) return;
    this.#clients.delete(key);
    this.#away.delete(key);
  }

  /** Makes room for an offer: of an entry that ended while the client was away, nobody says that it is of no use. */
  #dropLeftover(key: string, { byId }: ClientTransfers): void {
    for (const [id, { isOffered }] of byId) if (!isOffered) return this.drop(key, id);
  }

  #refusal({ byId }: ClientTransfers, size: number): Refusal | undefined {
    const { transferBytes, transfers, totalTransferBytes } = this.#limits;
    const largest = Math.min(transferBytes, totalTransferBytes - serverLimits.transferOverheadBytes);
    if (size > largest) return { code: 'too-large', message: `a payload has at most ${largest} bytes` };
    if (byId.size >= transfers) return noTransfer;
    // Only a chunk that is there takes the place of what clients have sent that are away.
    const taken = this.#bytes - this.#awayBytes + size + serverLimits.transferOverheadBytes;
    if (taken > totalTransferBytes || !this.#makeRoom(serverLimits.transferOverheadBytes))
      return noTransferRoom;
    return undefined;
  }

  #count(client: ClientTransfers, bytes: number): void {
    client.bytes += bytes;
    this.#bytes += bytes;
    this.#stats.transferBytes = this.#bytes;
    if (client.awaySince !== undefined) this.#awayBytes += bytes;
  }

  #makeRoom(bytes: number): boolean {
    for (const key of this.#away.keys()) {
      if (this.#bytes + bytes <= this.#limits.totalTransferBytes) break;
      this.#forget(key);
    }
    return this.#bytes + bytes <= this.#limits.totalTransferBytes;
  }

  #expire(): void {
    const before = this.#clock.now() - this.#limits.transferMemoryMs;
    for (const [key, { awaySince }] of this.#away) {
      if (awaySince! > before) return;
      this.#forget(key);
    }
  }

  #forget(key: string): void {
    for (const id of this.ids(key)) this.drop(key, id);
  }
}

const noTransfer: Refusal = {
  code: 'limit',
  message: 'this client has too many transfers under way',
  retryable: true,
};

/** The refusal of an offer, or of a chunk, that there is no room for at the moment. */
export const noTransferRoom: Refusal = {
  code: 'limit',
  message: 'the server has no room for this transfer now',
  retryable: true,
};
