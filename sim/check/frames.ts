import { decodeClientFrame, decodeServerFrame } from '../../src/protocol/codec.ts';
import type { ClientEnvelope, ServerEnvelope } from '../../src/protocol/schema.ts';

/** A frame of either direction. */
export type Frame = string | Uint8Array;

/** What a hub said. */
export const saidByHub = (frame: Frame): readonly ClientEnvelope[] => envelopesOf(decodeClientFrame(frame));

/** What a server said. */
export const saidByServer = (frame: Frame): readonly ServerEnvelope[] =>
  envelopesOf(decodeServerFrame(frame));

/** Whether a frame says anything of large payloads; reading each would cost more than all the rest. */
export const isOfTransfers = (frame: Frame): boolean =>
  typeof frame !== 'string' || frame.includes('"transfer":');

const envelopesOf = <E>(
  decoded: { readonly envelopes: readonly E[] } | { readonly violation: string },
): readonly E[] => ('envelopes' in decoded ? decoded.envelopes : []);
