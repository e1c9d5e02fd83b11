import type { ServerMessage } from '../../src/protocol/schema.ts';
import type { ConnectionInput } from './connection-types.ts';
import type { Context } from './context.ts';
import { markStatus, say, type HubState } from './hub-state.ts';
import { renewalTransition, type RenewalInput } from './renewal.ts';

/** Steps the renewal of the token, and carries its effects on. */
export function stepRenewal(hub: HubState, input: RenewalInput, context: Context): void {
  const { state, effects } = renewalTransition(hub.renewal, input, context.now);
  hub.renewal = state;
  for (const effect of effects) {
    switch (effect.kind) {
      case 'ask': {
        const tabIds = hub.tabs.tokenSources();
        // A hub that outlives its tabs asks again until the token has expired.
        if (tabIds.length === 0) stepRenewal(hub, { kind: 'no-token' }, context);
        else hub.effects.push({ kind: 'get-token', dial: hub.connection.dial, tabIds });
        break;
      }
      case 'start-timer':
      case 'cancel-timer':
        hub.effects.push(effect);
        break;
      default:
        effect satisfies never;
    }
  }
}

/** The server took a token, and says for how long: by its own clock, as the time of the envelope is. */
export function tokenGranted(
  hub: HubState,
  { ts, payload }: ServerMessage<'auth-ok'>,
  context: Context,
): void {
  const expiresInMs = (payload.expiresAt ?? Infinity) - ts;
  stepRenewal(hub, { kind: 'granted', expiresInMs }, context);
  if (!hub.session || hub.lastError?.code !== 'auth-failed') return;
  hub.lastError = null;
  markStatus(hub);
}

/** What came of asking for the next token. The connection stays either way, until the server ends it. */
export function takeNextToken(
  hub: HubState,
  input: Extract<ConnectionInput, { kind: 'token' | 'no-token' }>,
  context: Context,
): void {
  if (input.dial !== hub.connection.dial) return;
  if (input.kind === 'no-token') {
    hub.lastError = input.error;
    markStatus(hub);
    return stepRenewal(hub, { kind: 'no-token' }, context);
  }
  if (input.credentials === 'none') return;
  const { token, expiresAt = Infinity } = input.credentials;
  say(hub, context.now, { type: 'auth', payload: { token } });
  stepRenewal(hub, { kind: 'offered', expiresAt }, context);
}
