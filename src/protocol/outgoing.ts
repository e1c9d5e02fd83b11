import type { ClientEnvelope, ServerEnvelope } from './schema.ts';

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

/** An envelope on its way out. A payload that is JSON text already, or raw bytes, stands beside its head. */
export interface Outgoing<E = ClientEnvelope | ServerEnvelope> {
  readonly head: E | DistributiveOmit<E, 'payload'>;
  /** The payload as JSON text; appended to the head as it is. */
  readonly json?: string | undefined;
  /** The payload as raw bytes; makes the envelope a binary frame. */
  readonly bytes?: ArrayBuffer | undefined;
}

/** Bounds of the frames that a peer takes. */
export interface FrameBounds {
  /** Envelopes in one text frame. */
  readonly maxBatch: number;
  /** Bytes of one frame. */
  readonly maxFrameBytes: number;
}
