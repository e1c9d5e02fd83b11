import type { HeartbeatPolicy } from './policy-types.ts';
import type { Context } from './context.ts';

/**
 * Signs of life of the peer. Any frame is one, so that a busy connection sends no ping.
 *
 * ```transitions
 * off     --start-->    probing
 * waiting --activity--> waiting
 * waiting --elapsed-->  waiting | probing
 * waiting --probe-->    probing
 * waiting --pong-->     waiting
 * waiting --stop-->     off
 * probing --activity--> waiting
 * probing --pong-->     waiting
 * probing --elapsed-->  dead | probing
 * probing --stop-->     off
 * dead    --stop-->     off
 * ```
 * The first probe follows the welcome at once: it measures the round trip.
 */
export type Heartbeat =
  | { readonly state: 'off' }
  | { readonly state: 'waiting'; readonly heardAt: number; readonly asked: Asked }
  | { readonly state: 'probing'; readonly sentAt: number; readonly asked: Asked }
  | { readonly state: 'dead' };

/** The newest ping: its pong measures the round trip even if other frames came first. */
interface Asked {
  readonly ping: number;
  readonly ticks: number;
}

export type HeartbeatInput =
  | { readonly kind: 'start' | 'stop' | 'activity' | 'probe' | 'elapsed' }
  | { readonly kind: 'pong'; readonly ping: number };

export type HeartbeatEffect =
  | { readonly kind: 'ping'; readonly ping: number }
  | { readonly kind: 'round-trip'; readonly rttMs: number }
  | { readonly kind: 'dead' }
  | { readonly kind: 'start-timer'; readonly timer: 'heartbeat'; readonly delayMs: number }
  | { readonly kind: 'cancel-timer'; readonly timer: 'heartbeat' };

export interface HeartbeatStep {
  readonly state: Heartbeat;
  readonly effects: readonly HeartbeatEffect[];
}

const stay = (state: Heartbeat): HeartbeatStep => ({ state, effects: [] });
const startTimer = (delayMs: number): HeartbeatEffect => ({
  kind: 'start-timer',
  timer: 'heartbeat',
  delayMs,
});

/** One step of the heartbeat. `dead` is told once, and the state stays so until it is stopped. */
export function heartbeatTransition(
  heartbeat: Heartbeat,
  input: HeartbeatInput,
  policy: HeartbeatPolicy,
  context: Context,
): HeartbeatStep {
  if (input.kind === 'stop' && heartbeat.state !== 'off') {
    return { state: { state: 'off' }, effects: [{ kind: 'cancel-timer', timer: 'heartbeat' }] };
  }
  switch (heartbeat.state) {
    case 'off':
      return input.kind === 'start' ? probe(0, policy, context) : stay(heartbeat);
    case 'waiting':
      return whenWaiting(heartbeat, input, policy, context);
    case 'probing':
      return whenProbing(heartbeat, input, policy, context);
    case 'dead':
      return stay(heartbeat);
  }
}

function whenWaiting(
  heartbeat: Extract<Heartbeat, { state: 'waiting' }>,
  input: HeartbeatInput,
  policy: HeartbeatPolicy,
  context: Context,
): HeartbeatStep {
  switch (input.kind) {
    case 'activity':
      return stay({ ...heartbeat, heardAt: context.now });
    case 'pong':
      return {
        state: { ...heartbeat, heardAt: context.now },
        effects: roundTrip(heartbeat.asked, input, context),
      };
    case 'probe':
      return probe(heartbeat.asked.ping, policy, context);
    case 'elapsed': {
      // After a wall clock that was set back nobody knows how long the silence was.
      const silentMs = context.now - heartbeat.heardAt;
      return silentMs < 0 || silentMs >= policy.intervalMs
        ? probe(heartbeat.asked.ping, policy, context)
        : { state: heartbeat, effects: [startTimer(policy.intervalMs - silentMs)] };
    }
    default:
      return stay(heartbeat);
  }
}

function whenProbing(
  heartbeat: Extract<Heartbeat, { state: 'probing' }>,
  input: HeartbeatInput,
  policy: HeartbeatPolicy,
  context: Context,
): HeartbeatStep {
  const heard: HeartbeatStep = {
    state: { state: 'waiting', heardAt: context.now, asked: heartbeat.asked },
    effects: [startTimer(policy.intervalMs)],
  };
  switch (input.kind) {
    case 'activity':
      return heard;
    case 'pong':
      return { ...heard, effects: [...roundTrip(heartbeat.asked, input, context), ...heard.effects] };
    case 'elapsed': {
      // A timer that is late by a whole timeout fired after a sleep: the answer may lie unread, so ask again.
      const overdueMs = context.now - heartbeat.sentAt - policy.timeoutMs;
      return overdueMs > policy.timeoutMs
        ? probe(heartbeat.asked.ping, policy, context)
        : { state: { state: 'dead' }, effects: [{ kind: 'dead' }] };
    }
    default:
      return stay(heartbeat);
  }
}

function roundTrip(asked: Asked, pong: { readonly ping: number }, context: Context): HeartbeatEffect[] {
  return pong.ping === asked.ping ? [{ kind: 'round-trip', rttMs: context.ticks - asked.ticks }] : [];
}

function probe(lastPing: number, policy: HeartbeatPolicy, context: Context): HeartbeatStep {
  const asked = { ping: lastPing + 1, ticks: context.ticks };
  return {
    state: { state: 'probing', sentAt: context.now, asked },
    effects: [{ kind: 'ping', ping: asked.ping }, startTimer(policy.timeoutMs)],
  };
}
