import type { Connection, ConnectionEffect, ConnectionStep } from './connection-types.ts';

/** The step that changes nothing but the state itself. */
export const stay = (state: Connection): ConnectionStep => ({ state, effects: [] });

/** Replaces the connection timer. */
export const startTimer = (delayMs: number): ConnectionEffect => ({
  kind: 'start-timer',
  timer: 'connection',
  delayMs,
});
export const cancelTimer: ConnectionEffect = { kind: 'cancel-timer', timer: 'connection' };

/** Closes the socket of a dial before anything else of the step. */
export function withHangUp(step: ConnectionStep, dial: number, code: number, reason: string): ConnectionStep {
  return { state: step.state, effects: [{ kind: 'hang-up', dial, code, reason }, ...step.effects] };
}
