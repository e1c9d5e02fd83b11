import { closeAction } from '../../src/protocol/close-action.ts';
import * as closeCodes from '../../src/protocol/close-codes.ts';
import { backoffDelayMs } from './backoff.ts';
import { backOff, dead, fail, goingAwayError, lost, timeoutError } from './connection-failure.ts';
import type { Connection, ConnectionEnv, ConnectionInput, ConnectionStep } from './connection-types.ts';
import { cancelTimer, startTimer, stay, withHangUp } from './connection-step.ts';
import * as coreLimits from './limits.ts';

/** The connection before anybody wants one. */
export const idleConnection: Connection = { state: 'idle', dial: 0, attempt: 0 };

/** The dial that may carry envelopes of a session, or null. */
export const sessionDial = (connection: Connection): number | null =>
  connection.state === 'open' || connection.state === 'draining' ? connection.dial : null;

/** One step of the connection. Inputs of an earlier dial change nothing: this is the place where they end. */
export function connectionTransition(
  connection: Connection,
  input: ConnectionInput,
  env: ConnectionEnv,
): ConnectionStep {
  const { dial = connection.dial } = input as { readonly dial?: number };
  if (dial !== connection.dial) return stay(connection);
  if (input.kind === 'stop' && connection.state !== 'idle') return stop(connection);
  switch (connection.state) {
    case 'idle':
      return input.kind === 'start' ? connect(connection, 0, env) : stay(connection);
    case 'connecting':
      return whenConnecting(connection, input, env);
    case 'handshaking':
      return whenHandshaking(connection, input, env);
    case 'open':
      return whenOpen(connection, input, env);
    case 'draining':
      return whenDraining(connection, input, env);
    case 'backoff':
      return whenBackoff(connection, input, env);
    case 'suspended':
      return whenSuspended(connection, input, env);
  }
}

type At<S extends Connection['state']> = Extract<Connection, { state: S }>;

function connect(from: Connection, attempt: number, env: ConnectionEnv): ConnectionStep {
  const dial = from.dial + 1;
  return {
    state: { state: 'connecting', dial, attempt, credentials: null },
    effects: [{ kind: 'get-token', dial }, startTimer(env.config.connectTimeoutMs)],
  };
}

function whenConnecting(
  connection: At<'connecting'>,
  input: ConnectionInput,
  env: ConnectionEnv,
): ConnectionStep {
  const { dial, attempt, credentials } = connection;
  switch (input.kind) {
    case 'token':
      if (credentials) return stay(connection);
      return {
        state: { ...connection, credentials: input.credentials },
        effects: [{ kind: 'dial', dial }, startTimer(env.config.connectTimeoutMs)],
      };
    case 'no-token':
      return credentials ? stay(connection) : fail(connection, input.error, env);
    case 'opened':
      if (!credentials) return stay(connection);
      return {
        state: { state: 'handshaking', dial, attempt },
        effects: [{ kind: 'greet', dial, credentials }, startTimer(env.config.handshakeTimeoutMs)],
      };
    case 'elapsed': {
      const error = timeoutError(credentials ? 'no socket in time' : 'no token in time');
      return withHangUp(fail(connection, error, env), dial, closeCodes.normal, 'timeout');
    }
    default:
      return input.kind === 'lost' ? lost(connection, input, env) : stay(connection);
  }
}

function whenHandshaking(
  connection: At<'handshaking'>,
  input: ConnectionInput,
  env: ConnectionEnv,
): ConnectionStep {
  const { dial, attempt } = connection;
  switch (input.kind) {
    case 'welcome':
      return {
        state: { state: 'open', dial, attempt },
        effects: [startTimer(env.config.backoff.stableMs)],
      };
    case 'elapsed': {
      const step = fail(connection, timeoutError('no welcome in time'), env);
      return withHangUp(step, dial, closeCodes.handshakeTimeout, 'no welcome in time');
    }
    case 'dead':
      return dead(connection, input, env);
    default:
      return input.kind === 'lost' ? lost(connection, input, env) : stay(connection);
  }
}

function whenOpen(connection: At<'open'>, input: ConnectionInput, env: ConnectionEnv): ConnectionStep {
  switch (input.kind) {
    case 'elapsed':
      return stay({ ...connection, attempt: 0 });
    case 'goaway':
      return {
        state: { ...connection, state: 'draining', retryAfterMs: input.retryAfterMs },
        effects: [startTimer(coreLimits.drainMs)],
      };
    case 'dead':
      return dead(connection, input, env);
    case 'reconnect':
      return redial(connection, env);
    default:
      return input.kind === 'lost' ? lost(connection, input, env) : stay(connection);
  }
}

function whenDraining(
  connection: At<'draining'>,
  input: ConnectionInput,
  env: ConnectionEnv,
): ConnectionStep {
  const { dial, retryAfterMs } = connection;
  // A server that names no time gets that of a first attempt.
  const delayMs = Math.max(retryAfterMs, backoffDelayMs(env.config.backoff, 0, env.context.random));
  const goneAway = backOff(connection, delayMs, goingAwayError, env, true);
  switch (input.kind) {
    case 'drained':
    case 'elapsed':
      return withHangUp(goneAway, dial, closeCodes.normal, 'drained');
    case 'dead':
      return withHangUp(goneAway, dial, input.code, input.reason);
    case 'lost':
      return closeAction(input.code) === 'stop' ? lost(connection, input, env) : goneAway;
    case 'reconnect':
      return redial(connection, env);
    default:
      return stay(connection);
  }
}

/** Nobody wants a connection any more. */
function stop({ state, dial }: Connection): ConnectionStep {
  const step: ConnectionStep = { state: { state: 'idle', dial, attempt: 0 }, effects: [cancelTimer] };
  const isDialled = state !== 'backoff' && state !== 'suspended';
  return isDialled ? withHangUp(step, dial, closeCodes.normal, 'no tab is left') : step;
}

function whenBackoff(connection: At<'backoff'>, input: ConnectionInput, env: ConnectionEnv): ConnectionStep {
  switch (input.kind) {
    case 'elapsed':
      return connect(connection, connection.attempt, env);
    case 'reconnect':
      return connect(connection, 0, env);
    case 'wake': {
      // A wake-up shortens the wait to that of a first attempt, and never below it: flapping cannot hammer.
      const delayMs = backoffDelayMs(env.config.backoff, 0, env.context.random);
      const retryAt = Math.min(connection.retryAt, env.context.now + delayMs);
      if (connection.isServerDelay || retryAt === connection.retryAt) return stay(connection);
      return { state: { ...connection, retryAt }, effects: [startTimer(delayMs)] };
    }
    default:
      return stay(connection);
  }
}

function whenSuspended(
  connection: At<'suspended'>,
  input: ConnectionInput,
  env: ConnectionEnv,
): ConnectionStep {
  switch (input.kind) {
    case 'reconnect':
      return connect(connection, 0, env);
    case 'wake':
      return connection.wakenBy === 'any' ? connect(connection, 0, env) : stay(connection);
    default:
      return stay(connection);
  }
}

function redial(connection: Connection, env: ConnectionEnv): ConnectionStep {
  return withHangUp(
    connect(connection, connection.attempt, env),
    connection.dial,
    closeCodes.normal,
    'reconnect',
  );
}
