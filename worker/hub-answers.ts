import { errorData } from '../src/protocol/errors.ts';
import type { Join } from './core/download.ts';
import type { AttachReply } from './core/hub-api.ts';

/** Makes a Blob of what has come in chunks. */
export const join: Join = (parts, type) => new Blob(parts as BlobPart[], { type: type ?? '' });

/** Refuses a tab. */
export const refused = (code: Parameters<typeof errorData>[0], message: string): AttachReply => ({
  kind: 'refused',
  error: errorData(code, message),
});
