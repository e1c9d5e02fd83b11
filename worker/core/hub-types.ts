import type { FrameBounds, Outgoing } from '../../src/protocol/outgoing.ts';
import type { ClientEnvelope, ServerEnvelope } from '../../src/protocol/schema.ts';
import type { AttachRequest, TabItem, TabOp } from './hub-api.ts';
import type { LargeContent } from './payload-types.ts';
import type { TransferCounts } from './metrics-types.ts';
import type { ConnectionEffect, ConnectionInput } from './connection-types.ts';
import type { StoreChange, StoreHealth } from './store-types.ts';

/** The hub's timers. At most one of each runs; starting one anew replaces it. */
export type TimerName =
  | 'connection'
  | 'heartbeat'
  | 'status'
  | 'expiry'
  | 'stall'
  | 'cursors'
  | 'uploads'
  | 'linger'
  | 'renewal';

/** Everything that can happen to a hub. */
export type HubInput =
  | { readonly kind: 'tab-attached'; readonly request: AttachRequest }
  | { readonly kind: 'tab-gone'; readonly tabId: string }
  /** A tab of a newer version waits for this hub's end. */
  | { readonly kind: 'outdated' }
  | {
      readonly kind: 'tab-ops';
      readonly tabId: string;
      readonly ops: readonly TabOp[];
      /** What the interpreter has counted, for an op that asks. */
      readonly transfers: TransferCounts;
    }
  /** The tab took the batch with this number, and all before it. */
  | {
      readonly kind: 'batch-taken';
      readonly tabId: string;
      readonly number: number;
      /** Subscriptions that had ended in the tab: what they got is not taken. */
      readonly endedSubs: readonly number[];
    }
  | Extract<ConnectionInput, { kind: 'token' | 'no-token' | 'opened' | 'lost' }>
  | { readonly kind: 'frame'; readonly dial: number; readonly envelopes: readonly ServerEnvelope[] }
  | { readonly kind: 'bad-frame'; readonly dial: number; readonly violation: string }
  /** The socket's own buffer went above its high-water mark, or back under its low-water mark. */
  | { readonly kind: 'congestion'; readonly dial: number; readonly isCongested: boolean }
  /** What a `read-chunk` asked for; null if it can be read no more. */
  | {
      readonly kind: 'chunk-read';
      readonly dial: number;
      readonly transfer: string;
      readonly at: number;
      readonly bytes: ArrayBuffer | null;
    }
  /** The store has this commit, and all before it. */
  | { readonly kind: 'committed'; readonly commit: number }
  | { readonly kind: 'store-health'; readonly health: StoreHealth }
  | { readonly kind: 'elapsed'; readonly timer: TimerName };

/** Everything that a hub can ask of the world. */
export type HubEffect =
  | Extract<ConnectionEffect, { kind: 'hang-up' }>
  /** Opens a socket; with the token, where it is to come with the upgrade. */
  | { readonly kind: 'dial'; readonly dial: number; readonly token?: string | undefined }
  /** Answered by `token` or `no-token`. */
  | { readonly kind: 'get-token'; readonly dial: number; readonly tabIds: readonly string[] }
  | {
      readonly kind: 'send';
      readonly dial: number;
      readonly envelopes: readonly Outgoing<ClientEnvelope>[];
      readonly bounds: FrameBounds;
    }
  /** Reads a part of a content; answered by `chunk-read`. */
  | {
      readonly kind: 'read-chunk';
      readonly dial: number;
      readonly transfer: string;
      readonly content: LargeContent;
      readonly at: number;
      readonly end: number;
    }
  | { readonly kind: 'start-timer'; readonly timer: TimerName; readonly delayMs: number }
  | { readonly kind: 'cancel-timer'; readonly timer: TimerName }
  /** Writes to the store; answered by `committed` with this number, in order. */
  | { readonly kind: 'persist'; readonly commit: number; readonly change: StoreChange }
  | {
      readonly kind: 'deliver';
      readonly tabId: string;
      readonly number: number;
      readonly items: readonly TabItem[];
    };
