import { closeAction } from '../../src/protocol/close-action.ts';
import * as closeCodes from '../../src/protocol/close-codes.ts';
import { errorData, type ErrorData } from '../../src/protocol/errors.ts';
import { backoffDelayMs } from './backoff.ts';
import { cancelTimer, startTimer, withHangUp } from './connection-step.ts';
import type { Connection, ConnectionEnv, ConnectionStep } from './connection-types.ts';

export const timeoutError = (message: string) => errorData('timeout', message, { retryable: true });
export const goingAwayError = errorData('disconnected', 'the server goes away', { retryable: true });

/** The socket closed by itself: the close code says what follows. */
export function lost(
  connection: Connection,
  input: { readonly code: number; readonly reason: string },
  env: ConnectionEnv,
): ConnectionStep {
  const error = closeError(input.code, input.reason);
  const action = closeAction(input.code);
  switch (action) {
    case 'stop':
      return suspend(connection, 'app', error);
    case 'retry-later':
      return fail(connection, error, env, true);
    case 'retry':
    case 'reauthenticate':
    case 'drop-entry':
      return fail(connection, error, env);
  }
}

/** The hub gives the socket up, and closes it with a code of its own. */
export function dead(
  connection: Connection,
  input: { readonly code: number; readonly reason: string },
  env: ConnectionEnv,
): ConnectionStep {
  return withHangUp(lost(connection, input, env), connection.dial, input.code, input.reason);
}

/** The error that a close code means to the app. */
function closeError(code: number, reason: string): ErrorData {
  const message = `closed with ${code}${reason ? `: ${reason}` : ''}`;
  const detail = { detail: String(code) };
  switch (code) {
    case closeCodes.unauthenticated:
      return errorData('auth-failed', message, detail);
    case closeCodes.forbidden:
    case closeCodes.policyViolation:
      return errorData('forbidden', message, detail);
    case closeCodes.unsupportedVersion:
      return errorData('unsupported-version', message, detail);
    default:
      return closeAction(code) === 'stop'
        ? errorData('protocol', message, detail)
        : errorData('disconnected', message, { retryable: true, ...detail });
  }
}

/** Counts a failed attempt: waits for the next, or gives up for now. With `isPatient`, as long as the policy ever waits. */
export function fail(
  connection: Connection,
  error: ErrorData,
  env: ConnectionEnv,
  isPatient = false,
): ConnectionStep {
  const { backoff } = env.config;
  const failed: Connection = { ...connection, attempt: connection.attempt + 1 } as Connection;
  if (failed.attempt >= backoff.maxAttempts) return suspend(failed, 'any', error);
  const delayMs = backoffDelayMs(backoff, isPatient ? Infinity : connection.attempt, env.context.random);
  return backOff(failed, delayMs, error, env, isPatient);
}

/** Waits before the next attempt. */
export function backOff(
  connection: Connection,
  delayMs: number,
  error: ErrorData,
  env: ConnectionEnv,
  isServerDelay: boolean,
): ConnectionStep {
  const { dial, attempt } = connection;
  const retryAt = env.context.now + delayMs;
  return {
    state: { state: 'backoff', dial, attempt, retryAt, isServerDelay, error },
    effects: [startTimer(delayMs)],
  };
}

function suspend({ dial, attempt }: Connection, wakenBy: 'any' | 'app', error: ErrorData): ConnectionStep {
  return { state: { state: 'suspended', dial, attempt, wakenBy, error }, effects: [cancelTimer] };
}
