import { ConnectionError, errorData, type ConnectionErrorCode } from './protocol/errors.ts';

/** A ConnectionError that is not retryable. */
export const failure = (code: ConnectionErrorCode, message: string, cause?: unknown): ConnectionError =>
  new ConnectionError(errorData(code, message), { cause });
