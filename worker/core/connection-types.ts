import type { ErrorData } from '../../src/protocol/errors.ts';
import type { Context } from './context.ts';
import type { HubConfig } from './hub-api.ts';

/**
 * The life of the one socket, as connection.ts lives it. Each state has at most one timer, the connection timer, and `elapsed` is its end.
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
      /** The server asked for this delay: no wake-up shortens it. */
      readonly isServerDelay: boolean;
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

/** What the hub says of itself with the upgrade, or after it. Never kept longer than the attempt. */
export type Credentials = { readonly token: string; readonly expiresAt?: number | undefined } | 'none';

export type ConnectionInput =
  | { readonly kind: 'start' | 'stop' | 'reconnect' | 'wake' | 'elapsed' | 'drained' }
  | { readonly kind: 'token'; readonly dial: number; readonly credentials: Credentials }
  | { readonly kind: 'no-token'; readonly dial: number; readonly error: ErrorData }
  | { readonly kind: 'opened'; readonly dial: number }
  | { readonly kind: 'welcome'; readonly dial: number }
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

/** What a step needs besides state and input. */
export interface ConnectionEnv {
  readonly config: Pick<HubConfig, 'backoff' | 'connectTimeoutMs' | 'handshakeTimeoutMs'>;
  readonly context: Context;
}
