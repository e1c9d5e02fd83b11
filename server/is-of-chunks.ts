import type { ClientEnvelope } from '../src/protocol/schema.ts';

/** Whether an envelope may only come where chunks were agreed on. */
export const isOfChunks = (envelope: ClientEnvelope): boolean =>
  envelope.type === 'offer' ||
  envelope.type === 'chunk' ||
  envelope.type === 'abandon' ||
  envelope.type === 'chunk-ack' ||
  (envelope.type === 'publish' && envelope.transfer !== undefined);
