import { ConnectionError, errorData } from '../src/protocol/errors.ts';

/** The error of a wrong option. */
export const invalid = (message: string): ConnectionError =>
  new ConnectionError(errorData('invalid-option', message));

/** Throws unless `value` is an integer from 1 to `max`. */
export function checkInteger(name: string, value: unknown, max: number = Number.MAX_SAFE_INTEGER): void {
  if (Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= max) return;
  throw invalid(`${name} must be an integer from 1 to ${max}`);
}
