import { closeAction, closeCodes } from '../../src/protocol/close-codes.ts';
import { errorData, type ErrorData } from '../../src/protocol/errors.ts';
import type { HubConfig } from '../hub-api.ts';
import { backoffDelayMs, patientDelayMs } from './backoff.ts';
import type { Context } from './context.ts';
import { coreLimits } from './limits.ts';

/**
 * The life of the one socket. Each state has at most one timer, the connection timer, and `elapsed` is its end.
 *
 * ```transitions
 * idle        --start-->      connecting
 * connecting  --token-->      connecting | backoff | suspended
 * connecting  --opened-->     handshaking
 * connecting  --lost-->       backoff | suspended
 * connecting  --elapsed-->    backoff | suspended
 * connecting  --stop-->       idle
 * handshaking --welcome-->    open
 * handshaking --lost-->       backoff | suspended
 * handshaking --elapsed-->    backoff | suspended
 * handshaking --dead-->       backoff | suspended
 * handshaking --stop-->       idle
 * open        --elapsed-->    open
 * open        --goaway-->     draining
 * open        --lost-->       backoff | suspended
 * open        --dead-->       backoff | suspended
 * open        --reconnect-->  connecting
 * open        --stop-->       idle
 * draining    --drained-->    backoff
 * draining    --elapsed-->    backoff
 * draining    --lost-->       backoff | suspended
 * draining    --dead-->       backoff
 * draining    --reconnect-->  connecting
 * draining    --stop-->       idle
 * backoff     --elapsed-->    connecting
 * backoff     --wake-->       backoff
 * backoff     --reconnect-->  connecting
 * backoff     --stop-->       idle
 * suspended   --wake-->       connecting | suspended
 * suspended   --reconnect-->  connecting
 * suspended   --stop-->       idle
 * ```
 * Every other pair of state and input changes nothing. `closed` is what a tab says of itself once it has left.
 */
export type Connection =
  | { readonly state: 'idle'; readonly dial: number; readonly attempt: 0 }
  | {
      readonly state: 'connecting';
      readonly dial: number;
      readonly attempt: number;
      /** Set once the socket is being opened; null while a tab is asked for the token. */
      readonly credentials: Credentials | null;
    }
  | {
      readonly state: 'handshaking';
      readonly dial: number;
      readonly attempt: number;
    }
  | { readonly state: 'open'; readonly dial: number; readonly attempt: number }
  | {
      readonly state: 'draining';
      readonly dial: number;
      readonly attempt: number;
      readonly retryAfterMs: number;
    }
  | {
      readonly state: 'backoff';
      readonly dial: number;
      readonly attempt: number;
      readonly retryAt: number;
      readonly error: ErrorData;
    }
  | {
      readonly state: 'suspended';
      readonly dial: number;
      readonly attempt: number;
      /** `any` is woken by page signals too, `app` only by `reconnect()`. */
      readonly wakenBy: 'any' | 'app';
      readonly error: ErrorData;
    };

/** What the hub says of itself after the socket has opened. Never kept longer than the attempt. */
export type Credentials = { readonly token: string } | 'none';

export type ConnectionInput =
  | { readonly kind: 'start' | 'stop' | 'reconnect' | 'wake' | 'elapsed' | 'drained' }
  | { readonly kind: 'token'; readonly dial: number; readonly credentials: Credentials }
  | { readonly kind: 'no-token'; readonly dial: number; readonly error: ErrorData }
  | { readonly kind: 'opened' | 'welcome'; readonly dial: number }
  | { readonly kind: 'dead'; readonly dial: number; readonly code: number; readonly reason: string }
  | { readonly kind: 'lost'; readonly dial: number; readonly code: number; readonly reason: string }
  | { readonly kind: 'goaway'; readonly dial: number; readonly retryAfterMs: number };

export type ConnectionEffect =
  | { readonly kind: 'get-token'; readonly dial: number }
  | { readonly kind: 'dial'; readonly dial: number }
  | { readonly kind: 'greet'; readonly dial: number; readonly credentials: Credentials }
  | { readonly kind: 'hang-up'; readonly dial: number; readonly code: number; readonly reason: string }
  | { readonly kind: 'start-timer'; readonly timer: 'connection'; readonly delayMs: number }
  | { readonly kind: 'cancel-timer'; readonly timer: 'connection' };

/** The state that follows, and what to do. */
export interface ConnectionStep {
  readonly state: Connection;
  readonly effects: readonly ConnectionEffect[];
}

/** The connection before anybody wants one. */
export const idleConnection: Connection = { state: 'idle', dial: 0, attempt: 0 };

/** The dial that may carry envelopes of a session, or null. */
export const sessionDial = (connection: Connection): number | null =>
  connection.state === 'open' || connection.state === 'draining' ? connection.dial : null;

type Config = Pick<HubConfig, 'backoff' | 'connectTimeoutMs' | 'handshakeTimeoutMs'>;

/** One step of the connection. Inputs of an earlier dial change nothing: this is the place where they end. */
export function connectionTransition(
  connection: Connection,
  input: ConnectionInput,
  config: Config,
  context: Context,
): ConnectionStep {
  if ('dial' in input && input.dial !== connection.dial) return stay(connection);
  switch (connection.state) {
    case 'idle':
      return input.kind === 'start' ? connect(connection, 0, config) : stay(connection);
    case 'connecting':
      return whenConnecting(connection, input, config, context);
    case 'handshaking':
      return whenHandshaking(connection, input, config, context);
    case 'open':
      return whenOpen(connection, input, config, context);
    case 'draining':
      return whenDraining(connection, input, config, context);
    case 'backoff':
      return whenBackoff(connection, input, config, context);
    case 'suspended':
      return whenSuspended(connection, input, config);
    default:
      return connection satisfies never;
  }
}

const stay = (state: Connection): ConnectionStep => ({ state, effects: [] });

const startTimer = (delayMs: number): ConnectionEffect => ({
  kind: 'start-timer',
  timer: 'connection',
  delayMs,
});
const cancelTimer: ConnectionEffect = { kind: 'cancel-timer', timer: 'connection' };

type At<S extends Connection['state']> = Extract<Connection, { state: S }>;

function connect(from: Connection, attempt: number, config: Config): ConnectionStep {
  const dial = from.dial + 1;
  return {
    state: { state: 'connecting', dial, attempt, credentials: null },
    effects: [{ kind: 'get-token', dial }, startTimer(config.connectTimeoutMs)],
  };
}

function whenConnecting(
  connection: At<'connecting'>,
  input: ConnectionInput,
  config: Config,
  context: Context,
): ConnectionStep {
  const { dial, attempt, credentials } = connection;
  switch (input.kind) {
    case 'token':
      if (credentials) return stay(connection);
      return {
        state: { ...connection, credentials: input.credentials },
        effects: [{ kind: 'dial', dial }, startTimer(config.connectTimeoutMs)],
      };
    case 'no-token':
      return credentials ? stay(connection) : fail(connection, input.error, config, context);
    case 'opened':
      if (!credentials) return stay(connection);
      return {
        state: { state: 'handshaking', dial, attempt },
        effects: [{ kind: 'greet', dial, credentials }, startTimer(config.handshakeTimeoutMs)],
      };
    case 'elapsed': {
      const error = timeoutError(credentials ? 'the socket did not open in time' : 'no token came in time');
      return withHangUp(fail(connection, error, config, context), dial, closeCodes.normal.code, 'timeout');
    }
    default:
      return whenAnyDialled(connection, input, config, context);
  }
}

function whenHandshaking(
  connection: At<'handshaking'>,
  input: ConnectionInput,
  config: Config,
  context: Context,
): ConnectionStep {
  const { dial, attempt } = connection;
  switch (input.kind) {
    case 'welcome':
      return {
        state: { state: 'open', dial, attempt },
        effects: [startTimer(config.backoff.stableMs)],
      };
    case 'elapsed': {
      const step = fail(connection, timeoutError('no welcome came in time'), config, context);
      return withHangUp(step, dial, closeCodes.handshakeTimeout.code, 'no welcome in time');
    }
    case 'dead':
      return dead(connection, input, config, context);
    default:
      return whenAnyDialled(connection, input, config, context);
  }
}

function whenOpen(
  connection: At<'open'>,
  input: ConnectionInput,
  config: Config,
  context: Context,
): ConnectionStep {
  switch (input.kind) {
    case 'elapsed':
      return stay({ ...connection, attempt: 0 });
    case 'goaway':
      return {
        state: { ...connection, state: 'draining', retryAfterMs: input.retryAfterMs },
        effects: [startTimer(coreLimits.drainMs)],
      };
    case 'dead':
      return dead(connection, input, config, context);
    case 'reconnect':
      return redial(connection, config);
    default:
      return whenAnyDialled(connection, input, config, context);
  }
}

function whenDraining(
  connection: At<'draining'>,
  input: ConnectionInput,
  config: Config,
  context: Context,
): ConnectionStep {
  const { dial, retryAfterMs } = connection;
  switch (input.kind) {
    case 'drained':
    case 'elapsed':
      return withHangUp(
        backOff(connection, retryAfterMs, goingAwayError, context),
        dial,
        closeCodes.normal.code,
        'drained',
      );
    case 'dead':
      return withHangUp(
        backOff(connection, retryAfterMs, goingAwayError, context),
        dial,
        input.code,
        input.reason,
      );
    case 'lost':
      return closeAction(input.code) === 'stop'
        ? lost(connection, input, config, context)
        : backOff(connection, retryAfterMs, goingAwayError, context);
    case 'reconnect':
      return redial(connection, config);
    default:
      return whenAnyDialled(connection, input, config, context);
  }
}

/** What a dialled socket has in common in every state: it can be lost, and nobody may want it any more. */
function whenAnyDialled(
  connection: Connection,
  input: ConnectionInput,
  config: Config,
  context: Context,
): ConnectionStep {
  if (input.kind === 'lost') return lost(connection, input, config, context);
  if (input.kind !== 'stop') return stay(connection);
  const step: ConnectionStep = {
    state: { state: 'idle', dial: connection.dial, attempt: 0 },
    effects: [cancelTimer],
  };
  return withHangUp(step, connection.dial, closeCodes.normal.code, 'no tab is left');
}

function whenBackoff(
  connection: At<'backoff'>,
  input: ConnectionInput,
  config: Config,
  context: Context,
): ConnectionStep {
  switch (input.kind) {
    case 'elapsed':
      return connect(connection, connection.attempt, config);
    case 'reconnect':
      return connect(connection, 0, config);
    case 'wake': {
      // A wake-up shortens the wait to that of a first attempt, and never below it: flapping cannot hammer.
      const delayMs = backoffDelayMs(config.backoff, 0, context.random);
      const retryAt = Math.min(connection.retryAt, context.now + delayMs);
      if (retryAt === connection.retryAt) return stay(connection);
      return { state: { ...connection, retryAt }, effects: [startTimer(delayMs)] };
    }
    case 'stop':
      return { state: { state: 'idle', dial: connection.dial, attempt: 0 }, effects: [cancelTimer] };
    default:
      return stay(connection);
  }
}

function whenSuspended(connection: At<'suspended'>, input: ConnectionInput, config: Config): ConnectionStep {
  switch (input.kind) {
    case 'reconnect':
      return connect(connection, 0, config);
    case 'wake':
      return connection.wakenBy === 'any' ? connect(connection, 0, config) : stay(connection);
    case 'stop':
      return stay({ state: 'idle', dial: connection.dial, attempt: 0 });
    default:
      return stay(connection);
  }
}

const timeoutError = (message: string) => errorData('timeout', message, { retryable: true });
const goingAwayError = errorData('disconnected', 'the server goes away', { retryable: true });

function lost(
  connection: Connection,
  input: { readonly code: number; readonly reason: string },
  config: Config,
  context: Context,
): ConnectionStep {
  const error = closeError(input.code, input.reason);
  const action = closeAction(input.code);
  switch (action) {
    case 'stop':
      return suspend(connection, 'app', error);
    case 'retry-later':
      return fail(connection, error, config, context, patientDelayMs(config.backoff, context.random));
    case 'retry':
    case 'reauthenticate':
    case 'drop-entry':
      return fail(connection, error, config, context);
    default:
      return action satisfies never;
  }
}

function dead(
  connection: Connection,
  input: { readonly code: number; readonly reason: string },
  config: Config,
  context: Context,
): ConnectionStep {
  return withHangUp(lost(connection, input, config, context), connection.dial, input.code, input.reason);
}

/** The error that a close code means to the app. */
export function closeError(code: number, reason: string): ErrorData {
  const message = `the connection closed with ${code}${reason ? `: ${reason}` : ''}`;
  const detail = { detail: String(code) };
  switch (code) {
    case closeCodes.unauthenticated.code:
      return errorData('auth-failed', message, detail);
    case closeCodes.forbidden.code:
    case closeCodes.policyViolation.code:
      return errorData('forbidden', message, detail);
    case closeCodes.unsupportedVersion.code:
      return errorData('unsupported-version', message, detail);
    default:
      return closeAction(code) === 'stop'
        ? errorData('protocol', message, detail)
        : errorData('disconnected', message, { retryable: true, ...detail });
  }
}

/** Counts a failed attempt: waits for the next, or gives up for now. */
function fail(
  connection: Connection,
  error: ErrorData,
  config: Config,
  context: Context,
  delayMs = backoffDelayMs(config.backoff, connection.attempt, context.random),
): ConnectionStep {
  const failed: Connection = { ...connection, attempt: connection.attempt + 1 } as Connection;
  return failed.attempt >= config.backoff.maxAttempts
    ? suspend(failed, 'any', error)
    : backOff(failed, delayMs, error, context);
}

function backOff(connection: Connection, delayMs: number, error: ErrorData, context: Context): ConnectionStep {
  const { dial, attempt } = connection;
  return {
    state: { state: 'backoff', dial, attempt, retryAt: context.now + delayMs, error },
    effects: [startTimer(delayMs)],
  };
}

function suspend(connection: Connection, wakenBy: 'any' | 'app', error: ErrorData): ConnectionStep {
  const { dial, attempt } = connection;
  return { state: { state: 'suspended', dial, attempt, wakenBy, error }, effects: [cancelTimer] };
}

function redial(connection: Connection, config: Config): ConnectionStep {
  return withHangUp(
    connect(connection, connection.attempt, config),
    connection.dial,
    closeCodes.normal.code,
    'reconnect',
  );
}

function withHangUp(step: ConnectionStep, dial: number, code: number, reason: string): ConnectionStep {
  return { state: step.state, effects: [{ kind: 'hang-up', dial, code, reason }, ...step.effects] };
}
