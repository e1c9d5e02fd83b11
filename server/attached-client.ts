import { Attached, type ConnectionOwner } from './attached.ts';
import type { Client, ClientParts } from './client.ts';
import type { Identity } from './hooks.ts';

/** Belongs to the connection of a client, and is that client to its own parts: another object would only be a copy. */
export class AttachedClient extends Attached implements Client {
  readonly identity: string;
  claims: unknown;
  info: unknown;
  readonly clientEpoch: number;
  readonly key: string;
  readonly lease: number;

  constructor(connection: ConnectionOwner, { identity, claims, info, clientEpoch, key, lease }: ClientParts) {
    super(connection);
    this.identity = identity;
    this.claims = claims;
    this.info = info;
    this.clientEpoch = clientEpoch;
    this.key = key;
    this.lease = lease;
  }

  get client(): Client {
    return this;
  }

  get clientId(): string {
    return this.key.slice(this.identity.length + 1);
  }

  protected renewed({ claims, presence }: Identity): void {
    this.claims = claims;
    this.info = presence;
  }
}
