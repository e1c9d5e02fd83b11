import type { ServerContext } from './context.ts';
import type { Credentials } from './credentials.ts';
import type { Outbound } from './outbound.ts';
import type { ReadGate } from './read-gate.ts';
import type { ConnectionStage } from './sight/measures.ts';
import type { Transport } from './transport.ts';

/** A connection, as what belongs to it sees it. */
export interface ConnectionOwner {
  readonly context: ServerContext;
  readonly transport: Transport;
  readonly outbound: Outbound;
  readonly gate: ReadGate;
  readonly credentials: Credentials;
  close(code: number, reason: string): void;
  /** There is something to send. */
  request(): void;
  /** It has come that far. */
  reached(stage: ConnectionStage): void;
  /** Ends the connection without a close frame. */
  terminate(): void;
}

/** Belongs to a connection, and lends to its own parts what the connection has. */
export class Attached {
  protected readonly connection: ConnectionOwner;

  constructor(connection: ConnectionOwner) {
    this.connection = connection;
  }

  get context(): ServerContext {
    return this.connection.context;
  }

  get transport(): Transport {
    return this.connection.transport;
  }

  get outbound(): Outbound {
    return this.connection.outbound;
  }

  get gate(): ReadGate {
    return this.connection.gate;
  }

  request(): void {
    this.connection.request();
  }

  reached(stage: ConnectionStage): void {
    this.connection.reached(stage);
  }

  close(code: number, reason: string): void {
    this.connection.close(code, reason);
  }
}
