import * as closeCodes from '../../src/protocol/close-codes.ts';
import * as protocolLimits from '../../src/protocol/limits.ts';
import type { ServerMessage } from '../../src/protocol/schema.ts';
import * as serverLimits from '../../server/limits.ts';
import type { Realm } from '../kernel/realm.ts';
import * as simLimits from '../limits.ts';
import type { Connection } from '../network/connection.ts';
import { isOfTransfers, saidByHub, saidByServer, type Frame } from './frames.ts';
import { must } from './violation.ts';

interface Download {
  readonly transfer: string;
  readonly size: number;
  sent: number;
}

/** One connection as the server sees it. */
interface Peer {
  /** Large messages under way, by topic. */
  readonly downloads: Map<string, Download>;
  /** Where the chunks end that the hub has not acknowledged, by transfer. */
  readonly unacknowledged: Map<string, { readonly topic: string; readonly ends: readonly number[] }>;
  /** What the hub says that it has of a large message, by topic. */
  readonly partials: Map<
    string,
    { readonly epoch: string; readonly offset: number; readonly received: number }
  >;
  /** Transfers that the hub has given up or published since it offered them: what is said of them is late. */
  readonly ended: Set<string>;
}

/** Codes by which a server says that the hub has broken the protocol. */
const violationCodes: ReadonlySet<number> = new Set([
  closeCodes.malformedFrame,
  closeCodes.unexpected,
  closeCodes.limitExceeded,
]);

/** What servers do with their connections: what they hold is bounded, and large messages go on where they were. */
export class Downloading {
  readonly #peers = new WeakMap<Connection, Peer>();
  /** What a process has acknowledged of each transfer to it. */
  readonly #kept = new WeakMap<Realm, Map<string, number>>();
  readonly #bufferedBytes: number;
  readonly #keepsTransfers: boolean;
  readonly #keepsMessages: boolean;

  constructor(server: {
    /** What it lets wait in a socket. */
    readonly bufferedBytes: number;
    /** Whether it has room for all contents on their way to it, and for all messages on their way from it. */
    readonly keepsTransfers: boolean;
    readonly keepsMessages: boolean;
  }) {
    this.#bufferedBytes = server.bufferedBytes;
    this.#keepsTransfers = server.keepsTransfers;
    this.#keepsMessages = server.keepsMessages;
  }

  closes(connection: Connection, code: number, reason: string): void {
    must(!violationCodes.has(code), 'hub and server understand each other', () => {
      return `${connection.server.name} closes ${connection.number}: ${code} ${reason}`;
    });
  }

  sends(connection: Connection, data: Frame, bufferedBytes: number): void {
    const most = this.#bufferedBytes + simLimits.answerBytes;
    must(bufferedBytes <= most, 'what waits in a socket is bounded', () => {
      return `${connection.server.name} has ${bufferedBytes} bytes for ${connection.number}`;
    });
    const peer = this.#peerOf(connection);
    if (peer.downloads.size === 0 && !isOfTransfers(data)) return;
    for (const envelope of saidByServer(data)) {
      if (envelope.type === 'message') this.#message(connection, peer, envelope);
      else if (envelope.type === 'gap') endDownload(peer, envelope.topic);
      else if (envelope.type === 'chunk') this.#chunk(connection, peer, envelope);
      else if (envelope.type === 'chunk-ack') this.#acknowledges(connection, envelope);
    }
  }

  hears(connection: Connection, data: Frame): void {
    const peer = this.#peerOf(connection);
    if (typeof data !== 'string') return;
    const isUnderWay = peer.downloads.size > 0 || peer.unacknowledged.size > 0;
    const isOfTopics = data.includes('subscribe"') && (isUnderWay || data.includes('"partial"'));
    if (!isOfTopics && !isOfTransfers(data)) return;
    for (const envelope of saidByHub(data)) {
      if (envelope.type === 'chunk-ack') {
        const { transfer, received } = envelope;
        const { topic, ends } = peer.unacknowledged.get(transfer) ?? { topic: '', ends: [] };
        peer.unacknowledged.set(transfer, { topic, ends: ends.filter((end) => end > received) });
      } else if (envelope.type === 'subscribe' || envelope.type === 'unsubscribe') {
        const { topic } = envelope;
        endDownload(peer, topic);
        // Nor need what has been sent to the end be acknowledged.
        for (const [id, each] of peer.unacknowledged)
          if (each.topic === topic) peer.unacknowledged.delete(id);
        peer.partials.delete(topic);
        const resume = envelope.type === 'subscribe' ? envelope.resume : undefined;
        if (resume?.partial) peer.partials.set(topic, { epoch: resume.epoch, ...resume.partial });
      } else if (envelope.type === 'offer') peer.ended.delete(envelope.transfer);
      else if (envelope.type === 'abandon') this.#ends(connection, envelope.transfer);
      else if (envelope.type === 'publish' && envelope.transfer) this.#ends(connection, envelope.transfer.id);
    }
  }

  #message(connection: Connection, peer: Peer, message: ServerMessage<'message'>): void {
    const { topic, epoch, offset, transfer } = message;
    const what = () => `${topic} ${epoch} ${offset} to ${connection.number}`;
    must(!peer.downloads.has(topic), 'a message follows the last chunk', what);
    const partial = peer.partials.get(topic);
    peer.partials.delete(topic);
    if (!transfer) return;
    const { id, size, at } = transfer;
    const isSame = partial?.epoch === epoch && partial.offset === offset;
    must(at === (isSame ? partial.received : 0), 'a download goes on where it was', () => {
      return `${what()} begins at ${at}, the hub has ${partial?.received ?? 0}`;
    });
    if (at < size) peer.downloads.set(topic, { transfer: id, size, sent: at });
    // What falls off the history while it is sent ends with the gap that tells of it, which may come later.
    const isBounded = peer.downloads.size <= serverLimits.downloads || !this.#keepsMessages;
    must(isBounded, 'downloads are bounded', what);
  }

  #chunk(connection: Connection, peer: Peer, { transfer, at, payload }: ServerMessage<'chunk'>): void {
    const [topic, download] = [...peer.downloads].find(([, each]) => each.transfer === transfer) ?? [];
    must(download?.sent === at, 'chunks come one after the other', () => {
      return `${transfer} to ${connection.number} at ${at} after ${download?.sent}`;
    });
    download!.sent += (payload as Uint8Array).byteLength;
    if (download!.sent === download!.size) peer.downloads.delete(topic!);
    const { ends = [] } = peer.unacknowledged.get(transfer) ?? {};
    peer.unacknowledged.set(transfer, { topic: topic!, ends: [...ends, download!.sent] });
    const sum = [...peer.unacknowledged.values()].reduce((count, each) => count + each.ends.length, 0);
    must(sum <= protocolLimits.chunksUnderWay, 'chunks are bounded', () => {
      return `${connection.server.name} has ${sum} chunks under way to ${connection.number}`;
    });
  }

  /** What has come to a process stays there until its publish is answered, whichever connection it came by. */
  #acknowledges(connection: Connection, { transfer, received }: ServerMessage<'chunk-ack'>): void {
    if (this.#peerOf(connection).ended.has(transfer)) return;
    const { server } = connection;
    const kept = this.#kept.get(server) ?? new Map<string, number>();
    this.#kept.set(server, kept);
    const before = kept.get(transfer) ?? 0;
    must(received >= before || !this.#keepsTransfers, 'what has come is kept', () => {
      return `${server.name} has ${received} bytes of ${transfer}, and had ${before}`;
    });
    kept.set(transfer, received);
  }

  #ends(connection: Connection, transfer: string): void {
    this.#kept.get(connection.server)?.delete(transfer);
    this.#peerOf(connection).ended.add(transfer);
  }

  #peerOf(connection: Connection): Peer {
    let peer = this.#peers.get(connection);
    if (!peer) {
      peer = { downloads: new Map(), unacknowledged: new Map(), partials: new Map(), ended: new Set() };
      this.#peers.set(connection, peer);
    }
    return peer;
  }
}

/** What is under way of a topic is given up: nobody need acknowledge it. */
function endDownload({ downloads, unacknowledged }: Peer, topic: string): void {
  const download = downloads.get(topic);
  if (download) unacknowledged.delete(download.transfer);
  downloads.delete(topic);
}
