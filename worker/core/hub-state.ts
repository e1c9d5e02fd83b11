import type { ErrorData } from '../../src/protocol/errors.ts';
import type { FrameBounds, Outgoing } from '../../src/protocol/outgoing.ts';
import type { ClientEnvelope } from '../../src/protocol/schema.ts';
import type { HeartbeatPolicy } from './policy-types.ts';
import type { HostKind, HubConfig, HubStatus } from './hub-api.ts';
import { idleConnection } from './connection.ts';
import type { Connection } from './connection-types.ts';
import type { Heartbeat } from './heartbeat.ts';
import type { HubEffect, TimerName } from './hub-types.ts';
import * as coreLimits from './limits.ts';
import { Blocked } from './blocked.ts';
import type { Join } from './download.ts';
import { Cursors } from './cursors.ts';
import { HubMeter } from './hub-meter.ts';
import { Journal } from './journal.ts';
import { Outbox } from './outbox.ts';
import type { OutboxIdentity, StoredOutbox, StoreHealth } from './store-types.ts';
import { Presences } from './presences.ts';
import type { Renewal } from './renewal.ts';
import { Requests } from './requests.ts';
import { Tabs } from './tabs.ts';
import { Topics } from './topics.ts';
import { Uploads } from './uploads.ts';

/** Who the hub is to its tabs. */
export interface HubIdentity {
  readonly hubId: string;
  readonly host: HostKind;
}

/** A call that waits for the fate of an entry. */
interface Follower {
  readonly tabId: string;
  readonly id: string;
  readonly entryId: string;
  /** Infinity where only a failure can still come. */
  readonly seq: number;
  readonly until: 'stored' | 'acked';
}

/** What the welcome of the current connection settled. */
export interface Session {
  readonly dial: number;
  readonly bounds: FrameBounds;
  /** Entries that may be unacknowledged. */
  readonly window: number;
  /** Bytes of payload after which nothing more is sent until some are acknowledged; doubles with each acknowledgement. */
  windowBytes: number;
  /** Messages and gaps taken on this connection, and how many of them the server was told of. */
  received: number;
  toldReceived: number;
  isCongested: boolean;
  /** Whether large payloads go in chunks. */
  readonly hasChunks: boolean;
}

/** What becomes of the connection after the last tab; the diagram stands in linger.ts. */
interface Linger {
  readonly phase: 'none' | 'open' | 'flushing';
  /** Whether the worker outlives its tabs. */
  readonly isPossible: boolean;
  /** Whether a connection needs a token, which only a tab could give. */
  readonly needsToken: boolean;
}

/**
 * The state of a hub. It is written by `hubTransition` alone, in place: with tails of thousands of messages
 * a copy for each input would cost more than all the rest. See docs/decisions.
 */
export interface HubState {
  readonly self: HubIdentity;
  readonly config: HubConfig;
  readonly identity: OutboxIdentity;
  /** Whom the server named when it last accepted this outbox. */
  owner: string | null;
  readonly journal: Journal;
  readonly outbox: Outbox;
  readonly blocked: Blocked;
  readonly cursors: Cursors;
  followers: Follower[];
  storeHealth: StoreHealth;
  readonly topics: Topics;
  readonly requests: Requests;
  readonly presences: Presences;
  readonly uploads: Uploads;
  readonly tabs: Tabs;
  connection: Connection;
  heartbeat: Heartbeat;
  /** The configured one, shortened by the server's. */
  heartbeatPolicy: HeartbeatPolicy;
  session: Session | null;
  renewal: Renewal;
  linger: Linger;
  isOutdated: boolean;
  rttMs: number | null;
  lastError: ErrorData | null;
  dropped: number;
  readonly meter: HubMeter;
  signalsDropped: number;
  /** When the next entry expires, as far as is known, and for when the timer was set. */
  expiryAt: number;
  expirySetFor: number;
  /** Calls of `reconnect()` that wait for the outcome of the attempt. */
  reconnecting: { readonly tabId: string; readonly id: string }[];
  /** Timers that run and must not be started anew before they end. */
  readonly pendingTimers: Set<TimerName>;
  envelopeCount: number;
  /** What the transition under way has asked for so far. */
  effects: HubEffect[];
  outgoing: Outgoing<ClientEnvelope>[];
}

/** The hub as it starts, with what its store holds. */
export function createHubState(
  self: HubIdentity,
  config: HubConfig,
  stored: StoredOutbox,
  join: Join,
): HubState {
  const { clientId, clientEpoch, owner, cursors, failures, entries, held } = stored;
  const journal = new Journal();
  const meter = new HubMeter();
  const outbox = new Outbox(config.queue, stored, journal);
  meter.entriesFound = outbox.pending.entries;
  return {
    self,
    config,
    identity: { clientId, clientEpoch },
    owner,
    journal,
    outbox,
    blocked: new Blocked(config.queue.maxEntries),
    cursors: new Cursors(cursors),
    followers: [],
    storeHealth: { durability: config.durability, error: null },
    topics: new Topics(join),
    requests: new Requests(),
    presences: new Presences(),
    uploads: new Uploads(),
    tabs: new Tabs(failures),
    connection: idleConnection,
    heartbeat: { state: 'off' },
    heartbeatPolicy: config.heartbeat,
    session: null,
    renewal: { state: 'off' },
    linger: { phase: 'none', isPossible: false, needsToken: false },
    isOutdated: false,
    rttMs: null,
    lastError: null,
    dropped: 0,
    meter,
    signalsDropped: 0,
    expiryAt: [...entries, ...held].reduce((at, { expiresAt }) => Math.min(at, expiresAt ?? at), Infinity),
    expirySetFor: Infinity,
    reconnecting: [],
    pendingTimers: new Set(),
    envelopeCount: 0,
    effects: [],
    outgoing: [],
  };
}

/** The status that all tabs of the hub see. */
export function hubStatus(hub: HubState): HubStatus {
  const { connection } = hub;
  return {
    ...hub.self,
    state: connection.state,
    attempt: connection.attempt,
    nextRetryAt: connection.state === 'backoff' ? connection.retryAt : null,
    rttMs: hub.rttMs,
    lastError: hub.lastError,
    queue: hub.outbox.pending,
    tabs: hub.tabs.ids,
    topics: hub.topics.size,
    durability: hub.storeHealth.durability,
    storeError: hub.storeHealth.error,
    dropped: hub.dropped,
    signalsDropped: hub.signalsDropped,
    isOutdated: hub.isOutdated,
  };
}

type Unstamped<E> = E extends unknown ? Omit<E, 'id' | 'ts'> & { readonly id?: string } : never;

/** An envelope with its time and, unless it has one, an id. */
export const stamped = (hub: HubState, now: number, envelope: Unstamped<ClientEnvelope>): ClientEnvelope => ({
  id: `e${(hub.envelopeCount += 1)}`,
  ts: now,
  ...envelope,
});

/** Says something to the server with the next frame. */
export function say(hub: HubState, now: number, envelope: Unstamped<ClientEnvelope>): void {
  hub.outgoing.push({ head: stamped(hub, now, envelope) });
}

/** Starts a timer; anew, if it runs. */
export function startTimer(hub: HubState, timer: TimerName, delayMs: number): void {
  hub.effects.push({ kind: 'start-timer', timer, delayMs });
}

/** Tells the status to all tabs with the next batches: a state changed. */
export function markStatus(hub: HubState): void {
  for (const tab of hub.tabs.values()) tab.statusIsDirty = true;
}

/** Starts a timer, unless it runs already. */
export function startOnce(hub: HubState, timer: TimerName, delayMs: number): void {
  if (hub.pendingTimers.has(timer)) return;
  hub.pendingTimers.add(timer);
  startTimer(hub, timer, delayMs);
}

/** Tells the status to all tabs before long: a counter changed. */
export const markCounters = (hub: HubState): void => startOnce(hub, 'status', coreLimits.statusIntervalMs);

/** Tells a tab that a request of it, or the like, failed; nothing if the tab has gone. */
export function tellError(hub: HubState, tabId: string, id: string, error: ErrorData): void {
  hub.tabs.get(tabId)?.answers.push({ kind: 'error', id, error });
}
