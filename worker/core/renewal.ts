import * as protocolLimits from '../../src/protocol/limits.ts';
import * as coreLimits from './limits.ts';

/**
 * The token of one connection: replaced before it expires, without a new connection. Which tab is asked, and whether there
 * is one, is not known here: an answer without a token is `no-token`.
 *
 * ```transitions
 * off     --offered-->  offered
 * offered --granted-->  held
 * offered --stop-->     off
 * held    --elapsed-->  held | asking
 * held    --expiring--> held | asking
 * held    --stop-->     off
 * asking  --offered-->  offered
 * asking  --no-token--> held
 * asking  --stop-->     off
 * ```
 * A server that says `expiring` while a token is on its way means the one before.
 */
export type Renewal =
  | { readonly state: 'off' }
  /** The server has a token, and has not answered yet. */
  | { readonly state: 'offered'; readonly askedAt: number; readonly expiresAt: number }
  /** The server took the token. */
  | {
      readonly state: 'held';
      readonly askedAt: number;
      readonly expiresAt: number;
      /** When a tab is asked for the next one; Infinity for never. */
      readonly dueAt: number;
    }
  /** A tab is asked for the next one. */
  | { readonly state: 'asking'; readonly askedAt: number; readonly expiresAt: number };

export type RenewalInput =
  /** A token goes to the server. `expiresAt` is what the app says of it, or Infinity. */
  | { readonly kind: 'offered'; readonly expiresAt: number }
  /** The server took it, for so long; Infinity where it does not say. */
  | { readonly kind: 'granted'; readonly expiresInMs: number }
  | { readonly kind: 'expiring' | 'elapsed' | 'no-token' | 'stop' };

type RenewalEffect =
  | { readonly kind: 'ask' }
  | { readonly kind: 'start-timer'; readonly timer: 'renewal'; readonly delayMs: number }
  | { readonly kind: 'cancel-timer'; readonly timer: 'renewal' };

export interface RenewalStep {
  readonly state: Renewal;
  readonly effects: readonly RenewalEffect[];
}

type Held = Extract<Renewal, { state: 'held' }>;

const stay = (state: Renewal): RenewalStep => ({ state, effects: [] });

/** One step of the renewal. `now` is the wall clock in milliseconds. */
export function renewalTransition(renewal: Renewal, input: RenewalInput, now: number): RenewalStep {
  if (input.kind === 'stop') {
    return renewal.state === 'off'
      ? stay(renewal)
      : { state: { state: 'off' }, effects: [{ kind: 'cancel-timer', timer: 'renewal' }] };
  }
  switch (renewal.state) {
    case 'off':
      return input.kind === 'offered' ? offered(now, input.expiresAt) : stay(renewal);
    case 'offered':
      return input.kind === 'granted' ? granted(renewal, input.expiresInMs, now) : stay(renewal);
    case 'held':
      if (input.kind === 'expiring') return ask({ ...renewal, dueAt: now }, now);
      return input.kind === 'elapsed' ? ask(renewal, now) : stay(renewal);
    case 'asking':
      if (input.kind === 'offered') return offered(renewal.askedAt, input.expiresAt);
      return input.kind === 'no-token' ? hold(renewal, now) : stay(renewal);
    default:
      return renewal satisfies never;
  }
}

const offered = (askedAt: number, expiresAt: number): RenewalStep =>
  stay({ state: 'offered', askedAt, expiresAt });

function granted(
  { askedAt, expiresAt }: Extract<Renewal, { state: 'offered' }>,
  expiresInMs: number,
  now: number,
): RenewalStep {
  // A token that the server takes has not expired: the app's clock is another, and says nothing.
  const own = expiresAt > now ? expiresAt : Infinity;
  return hold({ askedAt, expiresAt: Math.min(own, now + expiresInMs) }, now);
}

/** Waits until it is time for the next token, or another try. After its end there is none: the server closes. */
function hold(
  { askedAt, expiresAt }: { readonly askedAt: number; readonly expiresAt: number },
  now: number,
): RenewalStep {
  const leftMs = expiresAt - now;
  const aheadMs = Math.min(coreLimits.refreshAheadMs, leftMs / 2);
  return wait({ state: 'held', askedAt, expiresAt, dueAt: leftMs > 0 ? expiresAt - aheadMs : Infinity }, now);
}

function wait(held: Held, now: number): RenewalStep {
  const dueAt = Math.max(held.dueAt, held.askedAt + coreLimits.refreshMinMs);
  if (dueAt === Infinity) return stay(held);
  // Further away than timers reach, it is looked at again on the way.
  const delayMs = Math.min(dueAt - now, protocolLimits.durationMs);
  return { state: { ...held, dueAt }, effects: [{ kind: 'start-timer', timer: 'renewal', delayMs }] };
}

function ask(held: Held, now: number): RenewalStep {
  const { expiresAt, dueAt, askedAt } = held;
  if (now < Math.max(dueAt, askedAt + coreLimits.refreshMinMs)) return wait(held, now);
  return { state: { state: 'asking', askedAt: now, expiresAt }, effects: [{ kind: 'ask' }] };
}
