import type { ErrorData } from '../../src/protocol/errors.ts';
import type { FrameBounds, Outgoing } from '../../src/protocol/outgoing.ts';
import type { ClientEnvelope } from '../../src/protocol/schema.ts';
import type { HeartbeatPolicy, HostKind, HubConfig, HubStatus } from './hub-api.ts';
import { idleConnection } from './connection.ts';
import type { Connection } from './connection-types.ts';
import type { Heartbeat } from './heartbeat.ts';
import type { HubEffect, TimerName } from './hub-types.ts';
import * as coreLimits from './limits.ts';
import { Outbox, type EntryFate } from './outbox.ts';
import { Requests } from './requests.ts';
import { Tabs } from './tabs.ts';
import { Topics } from './topics.ts';

/** Who the hub is to its tabs. */
export interface HubIdentity {
  readonly hubId: string;
  readonly host: HostKind;
}

/** Who the outbox is to the server. */
export interface OutboxIdentity {
  readonly clientId: string;
  readonly clientEpoch: number;
  /** Highest sequence in use at the start. */
  readonly lastSeq: number;
}

/** What the welcome of the current connection settled. */
export interface Session {
  readonly dial: number;
  readonly bounds: FrameBounds;
  /** Entries that may be unacknowledged. */
  readonly window: number;
  /** Messages and gaps taken on this connection, and how many of them the server was told of. */
  received: number;
  toldReceived: number;
  isCongested: boolean;
}

/**
 * The state of a hub. It is written by `hubTransition` alone, in place: with tails of thousands of messages
 * a copy for each input would cost more than all the rest. See docs/decisions.
 */
export interface HubState {
  readonly self: HubIdentity;
  readonly config: HubConfig;
  readonly identity: OutboxIdentity;
  readonly outbox: Outbox;
  readonly topics: Topics;
  readonly requests: Requests;
  readonly tabs: Tabs;
  connection: Connection;
  heartbeat: Heartbeat;
  /** The configured one, shortened by the server's. */
  heartbeatPolicy: HeartbeatPolicy;
  session: Session | null;
  rttMs: number | null;
  lastError: ErrorData | null;
  dropped: number;
  expiryAt: number | null;
  /** Calls of `reconnect()` that wait for the outcome of the attempt. */
  reconnecting: { readonly tabId: string; readonly id: string }[];
  /** Timers that run and must not be started anew before they end. */
  readonly pendingTimers: Set<TimerName>;
  envelopeCount: number;
  /** What the transition under way has asked for so far. */
  effects: HubEffect[];
  outgoing: Outgoing<ClientEnvelope>[];
}

export function createHubState(self: HubIdentity, config: HubConfig, identity: OutboxIdentity): HubState {
  return {
    self,
    config,
    identity,
    outbox: new Outbox(config.queue, identity.lastSeq),
    topics: new Topics(),
    requests: new Requests(),
    tabs: new Tabs(),
    connection: idleConnection,
    heartbeat: { state: 'off' },
    heartbeatPolicy: config.heartbeat,
    session: null,
    rttMs: null,
    lastError: null,
    dropped: 0,
    expiryAt: null,
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
    durability: 'memory',
    dropped: hub.dropped,
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

/** Hands fates of entries to the tabs that they belong to, and counts what was dropped. */
export function tellFates(hub: HubState, fates: readonly EntryFate[]): void {
  for (const fate of fates) {
    hub.tabs.tellFate(fate);
    if (fate.kind !== 'failed') continue;
    hub.dropped += 1;
    markCounters(hub);
  }
}

/** Tells a tab that a request of it, or the like, failed; nothing if the tab has gone. */
export function tellError(hub: HubState, tabId: string, id: string, error: ErrorData): void {
  hub.tabs.get(tabId)?.answers.push({ kind: 'error', id, error });
}
