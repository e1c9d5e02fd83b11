/** What a client is made of. Identity and claims change only by a new token. */
export interface ClientParts {
  readonly identity: string;
  readonly claims: unknown;
  /** What is public of them in presence lists. */
  readonly info: unknown;
  readonly clientEpoch: number;
  /** Key of the client's record in the backbone. */
  readonly key: string;
  /** Fences this opening of the record against later ones. */
  readonly lease: number;
}

/** The client of an open connection. */
export interface Client extends ClientParts {
  /** Read from the key, for it is seldom asked for. */
  readonly clientId: string;
}

/** Key of a client's record. An identity has no U+0000, so no client id can reach into another identity. */
// Not concatenated: a string of two pieces keeps both, and the whole of them once it is looked up.
export const clientKey = (identity: string, clientId: string): string => [identity, clientId].join('\0');
