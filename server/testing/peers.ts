import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import { createDeferred, type Deferred } from '../deferred.ts';

/** What a test may ask about its own connections, which it names in the query of the URL. */
export type Command = { readonly name: string } &
  /** WebSockets with this name, on any path. Answered with `now` and `ever`. */
  (
    | { readonly kind: 'connections' }
    /** What follows concerns the newest peer of this name. */
    | { readonly kind: 'close'; readonly code: number; readonly reason: string }
    /** Ends the connection without a close frame. */
    | { readonly kind: 'kill' }
    /** Stops reading, and goes on. Answered with the bytes received so far. */
    | { readonly kind: 'pause' | 'resume' }
    /** Waits until the connection has closed. Answered with the `code` and the `reason` that came. */
    | { readonly kind: 'closed' }
  );

interface Peer {
  readonly socket: WebSocket;
  readonly closed: Deferred<{ readonly code: number; readonly reason: string }>;
  receivedBytes: number;
}

/** Plain WebSockets that send back what they get, and do nothing else unless told. */
export class Peers {
  readonly #server = new WebSocketServer({ noServer: true });
  readonly #peers = new Map<string, Peer>();
  readonly #connections = new Map<string, { now: number; ever: number }>();

  /** Counts an upgrade that somebody takes. */
  count(request: IncomingMessage): void {
    const connections = this.#countOf(nameOf(request));
    connections.now++;
    connections.ever++;
    request.socket.once('close', () => connections.now--);
  }

  /** Takes an upgrade. */
  accept(request: IncomingMessage, duplex: Duplex, head: Buffer): void {
    this.#server.handleUpgrade(request, duplex, head, (socket) => {
      const peer: Peer = { socket, closed: createDeferred(), receivedBytes: 0 };
      this.#peers.set(nameOf(request), peer);
      socket.on('message', (data: Buffer, binary) => {
        peer.receivedBytes += data.byteLength;
        socket.send(data, { binary });
      });
      socket.on('close', (code, reason) => peer.closed.resolve({ code, reason: reason.toString() }));
    });
  }

  /** Does what a test asks, and answers it. */
  async obey(command: Command): Promise<unknown> {
    if (command.kind === 'connections') return this.#countOf(command.name);
    const peer = this.#peers.get(command.name);
    if (!peer) throw new Error(`nobody is named ${command.name}`);
    const { socket } = peer;
    switch (command.kind) {
      case 'close':
        return socket.close(command.code, command.reason);
      case 'kill':
        return socket.terminate();
      case 'pause':
        socket.pause();
        return peer.receivedBytes;
      case 'resume':
        socket.resume();
        return peer.receivedBytes;
      case 'closed':
        return peer.closed.promise;
      default:
        return command satisfies never;
    }
  }

  #countOf(name: string): { now: number; ever: number } {
    const known = this.#connections.get(name) ?? { now: 0, ever: 0 };
    this.#connections.set(name, known);
    return known;
  }
}

/** The query of a request's URL. */
const nameOf = (request: IncomingMessage): string => (request.url ?? '').split('?')[1] ?? '';
