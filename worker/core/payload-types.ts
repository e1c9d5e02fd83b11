/** A Blob, as far as the hub looks into it. It crosses ports and goes into the store by reference. */
export interface LargeContent {
  readonly size: number;
}

/** A payload that travels in chunks, and what its bytes are. */
export interface Large {
  readonly blob: LargeContent;
  readonly form: 'json' | 'bytes' | 'blob';
  readonly mime?: string;
}

/** An entry that has no fate yet, as any tab can see it. */
export interface PendingEntry {
  readonly id: string;
  readonly topic: string;
  readonly json?: string;
  readonly bytes?: ArrayBuffer;
  readonly large?: Large;
  readonly ts: number;
  readonly expiresAt: number | null;
  /** Whether it may be with the server already. */
  readonly isSent: boolean;
}

/** A large message, as its subscription gets it. */
export interface LargeMessage {
  readonly sub: number;
  readonly epoch: string;
  readonly offset: number;
  readonly id: string;
  readonly ts: number;
  readonly large: Large;
  /** As it came: whoever reads it has to check it. */
  readonly trace?: unknown;
}

/** How much has come of the large message that is next. */
export interface LargeProgress {
  readonly sub: number;
  readonly offset: number;
  readonly id: string;
  readonly received: number;
  readonly size: number;
}
