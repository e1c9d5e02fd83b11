import type { ErrorData } from '../../src/protocol/errors.ts';
import type { TraceContext } from '../../src/protocol/trace-context.ts';
import type { BackoffPolicy, HeartbeatPolicy, QueuePolicy } from './policy-types.ts';
import type { NewsItem, NewsOp } from './news-types.ts';
import type { TokenCarrier, TokenReply } from './token-types.ts';
import type { Large, LargeMessage, LargeProgress, PendingEntry } from './payload-types.ts';

export type { QueuePolicy, WhenFull } from './policy-types.ts';

/**
 * The contract between a tab and the hub: two small interfaces that Comlink carries, one at either end of
 * the same port, and the plain data that goes in batches through them.
 */

/** Version of this contract. Tabs and hubs of different builds can meet at one port, or over a channel. */
export const hubApiVersion = 4;

/**
 * Where a hub runs: in a SharedWorker; in a worker of an elected tab; in an elected tab itself, where no worker can start;
 * or in a worker or page that serves its own tab alone (`unshared`), where a browser has no Web Locks or no
 * BroadcastChannel to elect one with.
 */
export type HostKind = 'shared-worker' | 'dedicated-worker' | 'page' | 'unshared';

/** States of the hub's connection; the diagram stands in worker/core/connection.ts. */
export type ConnectionState =
  | 'idle'
  | 'connecting'
  | 'handshaking'
  | 'open'
  | 'draining'
  | 'backoff'
  | 'suspended'
  | 'closed';

/** What a hub needs to know to run. All times in milliseconds. */
export interface HubConfig {
  readonly url: string;
  readonly backoff: BackoffPolicy;
  readonly heartbeat: HeartbeatPolicy;
  /** Deadline for the socket to open. */
  readonly connectTimeoutMs: number;
  /** Deadline from the open socket to the welcome. */
  readonly handshakeTimeoutMs: number;
  readonly queue: QueuePolicy;
  /** Durability of the outbox's transactions (Indexed Database API 3.0, IDBTransactionDurability). */
  readonly durability: 'strict' | 'relaxed';
  /** How the token gets to the server. */
  readonly tokenBy: TokenCarrier;
  /** Whom the outbox belongs to; the server refuses a token of anybody else. Empty where the app does not say. */
  readonly identity: string;
}

/** Where stored entries are: `memory` does not outlive the hub. */
export type Durability = 'strict' | 'relaxed' | 'memory';

type Given<T> = {
  readonly [K in keyof T]?: (T[K] extends number | string ? T[K] : Given<T[K]>) | undefined;
};

/** What a tab gives of it; the hub fills in its defaults. The first tab that attaches decides. */
export type HubOptions = Given<Omit<HubConfig, 'url'>> & Pick<HubConfig, 'url'>;

/** A position in a topic: its incarnation, and the offset of the last message taken. */
export interface Position {
  readonly epoch: string;
  readonly offset: number;
}

/** The state of a hub as its tabs see it. */
export interface HubStatus {
  readonly hubId: string;
  readonly host: HostKind;
  readonly state: ConnectionState;
  /** Connections lost and attempts failed since the connection was last stable. */
  readonly attempt: number;
  /** When the next attempt starts, in milliseconds since the Unix epoch; null if none is planned. */
  readonly nextRetryAt: number | null;
  /** Round-trip time of the last heartbeat in milliseconds. */
  readonly rttMs: number | null;
  readonly lastError: ErrorData | null;
  /** Entries that the server has not acknowledged yet. */
  readonly queue: { readonly entries: number; readonly bytes: number };
  /** Ids of the attached tabs. */
  readonly tabs: readonly string[];
  /** Topics with at least one subscriber. */
  readonly topics: number;
  readonly durability: Durability;
  /** What is wrong with the store, such as why it is `memory`; null if nothing is. */
  readonly storeError: ErrorData | null;
  /** Entries that ended without reaching the server. */
  readonly dropped: number;
  readonly signalsDropped: number;
  /** Whether a tab of a newer version of onesocket waits until this hub has ended: the page should be loaded again. */
  readonly isOutdated: boolean;
}

/** Something that a tab tells the hub. Payloads are JSON text, raw bytes, or large. */
export type TabOp =
  | {
      readonly kind: 'publish';
      /** Counts up by one per entry of this tab. */
      readonly tabSeq: number;
      readonly id: string;
      readonly topic: string;
      readonly json?: string;
      readonly bytes?: ArrayBuffer;
      readonly large?: Large;
      readonly ts: number;
      readonly ttlMs?: number | undefined;
      /** Takes the place of an unsent entry of this topic with the same key. */
      readonly coalesceKey?: string | undefined;
      /** Never stored, and dropped unless it can be sent now. */
      readonly volatile?: boolean | undefined;
      /** Where the tab is in a trace; so for a subscription and a request. */
      readonly trace?: TraceContext | undefined;
    }
  | {
      readonly kind: 'subscribe';
      readonly sub: number;
      readonly topic: string;
      readonly replay: number;
      /** Where this subscription was at an earlier hub or attachment. */
      readonly since?: Position | undefined;
      /** Begins at the topic's stored cursor, where there is one, and keeps that up to date. */
      readonly keepsCursor?: boolean | undefined;
      readonly trace?: TraceContext | undefined;
    }
  | { readonly kind: 'unsubscribe'; readonly sub: number }
  | { readonly kind: 'pause' | 'resume'; readonly sub: number }
  | {
      readonly kind: 'request';
      readonly id: string;
      readonly method: string;
      readonly json?: string;
      readonly bytes?: ArrayBuffer;
      readonly ts: number;
      readonly timeoutMs: number;
      readonly trace?: TraceContext | undefined;
    }
  | { readonly kind: 'cancel'; readonly id: string }
  | NewsOp
  | { readonly kind: 'signal'; readonly signal: PageSignal }
  /** Connects now; answered by a `response` or an `error` with this id. */
  | { readonly kind: 'reconnect'; readonly id: string }
  /** Takes an unsent entry back; answered by a `response` with the JSON `true`, or `false` if it was too late. */
  | { readonly kind: 'withdraw'; readonly id: string; readonly entryId: string }
  /**
   * Answered by a `response` once the entry is stored, or acknowledged, and by an `error` if it fails;
   * `unknown-entry` if the outbox has no such entry and remembers no failure of it.
   */
  | {
      readonly kind: 'follow';
      readonly id: string;
      readonly entryId: string;
      readonly until: 'stored' | 'acked';
    }
  | { readonly kind: 'list'; readonly id: string }
  /** What the hub counts; answered by a `response` with the JSON of a `HubMetrics`. */
  | { readonly kind: 'metrics'; readonly id: string }
  /** Forgets all entries and cursors of this outbox; answered by a `response` once the store has. */
  | { readonly kind: 'purge'; readonly id: string };

/** Page events that only a tab can see. */
export type PageSignal = 'online' | 'visible' | 'hidden' | 'resume';

/** An entry that ended without reaching the server. */
export interface FailedEntry {
  readonly tabSeq: number;
  readonly error: ErrorData;
}

/** Something that the hub tells one tab. */
export type TabItem =
  | { readonly kind: 'status'; readonly status: HubStatus }
  | {
      /** Messages of one topic with consecutive offsets from `offset` on. */
      readonly kind: 'messages';
      readonly sub: number;
      readonly epoch: string;
      readonly offset: number;
      /** JSON text of an array of [id, ts, payload] or [id, ts, payload, trace]. */
      readonly rows: string;
      /** Rows at the beginning that this subscription does not want. */
      readonly skip: number;
    }
  | {
      readonly kind: 'bytes';
      readonly sub: number;
      readonly epoch: string;
      readonly offset: number;
      readonly id: string;
      readonly ts: number;
      readonly bytes: ArrayBuffer;
      /** As it came: whoever reads it has to check it. */
      readonly trace?: unknown;
    }
  | ({ readonly kind: 'large' } & LargeMessage)
  | ({ readonly kind: 'progress' } & LargeProgress)
  | {
      readonly kind: 'gap';
      readonly sub: number;
      readonly epoch: string;
      /** The messages that follow have the offsets after this one. */
      readonly offset: number;
      readonly reason: GapReason;
      readonly missed: number | null;
    }
  /** The server confirmed the subscription, or the hub had it already. */
  | { readonly kind: 'subscribed'; readonly sub: number; readonly position: Position }
  | { readonly kind: 'refused'; readonly sub: number; readonly error: ErrorData }
  | NewsItem
  /** All entries up to this tab sequence are stored. */
  | { readonly kind: 'stored'; readonly upTo: number }
  /**
   * All entries up to this tab sequence are settled, without those in `but`: acknowledged, or told as `failed`. What is
   * published behind a large entry can come late.
   */
  | { readonly kind: 'acked'; readonly upTo: number; readonly but?: readonly number[] | undefined }
  /** How much of a large entry the server has, from 0 to 1. */
  | { readonly kind: 'uploaded'; readonly tabSeq: number; readonly ratio: number }
  | ({ readonly kind: 'failed' } & FailedEntry)
  | { readonly kind: 'response'; readonly id: string; readonly json?: string; readonly bytes?: ArrayBuffer }
  | { readonly kind: 'error'; readonly id: string; readonly error: ErrorData }
  | { readonly kind: 'entries'; readonly id: string; readonly entries: readonly PendingEntry[] };

/**
 * Why messages are missing: the server's history was too short (`history`), the topic began anew (`epoch`),
 * or this tab was too slow for the tail that the hub keeps (`slow-tab`).
 */
export type GapReason = 'history' | 'epoch' | 'slow-tab';

/** What a tab says first. */
export interface AttachRequest {
  readonly version: number;
  readonly tabId: string;
  /** Name of the Web Lock that this tab holds for its lifetime; null without Web Locks. */
  readonly lockName: string | null;
  readonly options: HubOptions;
  readonly hasAuth: boolean;
  /** Whether the hub's worker lives on for a while after its last tab (`extendedLifetime`). */
  readonly lingers: boolean;
}

/** The hub's answer to an attach. */
export type AttachReply =
  | {
      readonly kind: 'attached';
      /** Tab sequence up to which the hub has taken the entries of this tab, and up to which they are stored. */
      readonly takenUpTo: number;
      readonly storedUpTo: number;
      /** Tab sequence up to which they are settled, without those in `but`: acknowledged, or among `failed`. */
      readonly ackedUpTo: number;
      readonly but?: readonly number[] | undefined;
      readonly failed: readonly FailedEntry[];
      readonly status: HubStatus;
      /** Web Lock that this hub holds for its lifetime; null without Web Locks. */
      readonly lifeLock: string | null;
    }
  /** The hub, but its store is still being opened. Ask again. */
  | { readonly kind: 'waiting' }
  /** Alive, but another one is the hub, to be asked over the channel. This one waits for the lock. */
  | { readonly kind: 'standby'; readonly hubId: string }
  /** This hub speaks that version of the contract. The same shape in all versions. */
  | { readonly kind: 'other-version'; readonly version: number }
  | { readonly kind: 'refused'; readonly error: ErrorData };

/** The hub took the batch, or does not know the tab (any more), on which the tab attaches again. */
export type PushReply = 'taken' | 'unknown-tab';

/** What the hub offers to a tab. Every call names the hub that it is meant for. */
export interface HubApi {
  attach(request: AttachRequest): AttachReply | Promise<AttachReply>;
  push(hubId: string, tabId: string, ops: readonly TabOp[]): PushReply;
  detach(hubId: string, tabId: string): void;
}

/** What a tab offers to the hub. */
export interface TabApi {
  /**
   * Takes a batch; settles once the tab's handlers have it. `number` counts up by one per batch. Gives the subscriptions
   * in it that have ended in this tab, with no handler for all of their messages.
   */
  deliver(
    hubId: string,
    number: number,
    items: readonly TabItem[],
  ): readonly number[] | Promise<readonly number[]>;
  /** A token for the server, from the app's `auth` option. */
  token(): TokenReply | Promise<TokenReply>;
  /** An error in the hub's code, which no page would see otherwise: its text, and its stack. */
  trouble(message: string, stack: string): void;
}
