import { ConnectionError, errorData } from '../../src/protocol/errors.ts';

/** The error of a store that cannot be used, in words that a person can act on. */
export const storageFailed = (message: string, cause?: unknown): ConnectionError =>
  new ConnectionError(errorData('storage-failed', message), cause === undefined ? {} : { cause });
