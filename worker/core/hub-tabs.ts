import { queueFull } from '../../src/protocol/errors.ts';
import type { AttachRequest, PageSignal, TabOp } from './hub-api.ts';
import type { Context } from './context.ts';
import { stepConnection, stepHeartbeat } from './hub-connection.ts';
import { follow, list, publish, purge, tellTidings, withdraw } from './hub-outbox.ts';
import { askPresences, askTopics } from './hub-sending.ts';
import { markCounters, markStatus, say, tellError, type HubState } from './hub-state.ts';
import { beginLinger, endLinger } from './linger.ts';
import * as coreLimits from './limits.ts';
import type { HubInput } from './hub-types.ts';
import { sendSignal } from './hub-signals.ts';
import type { Tab } from './tab-types.ts';

/** Takes a tab in. A tab that attaches again starts from a clean slate: it tells what it wants anew. */
export function attachTab(hub: HubState, request: AttachRequest, context: Context): void {
  const { tabId, hasAuth } = request;
  forgetTab(hub, tabId, context);
  hub.tabs.add(tabId, hasAuth, context.now);
  markStatus(hub);
  endLinger(hub, request);
  stepConnection(hub, { kind: 'start' }, context);
}

/** Takes leave of a tab that has gone or died. What it had stored goes on to the server. */
export function dropTab(hub: HubState, tabId: string, context: Context): void {
  forgetTab(hub, tabId, context);
  if (hub.tabs.size === 0) beginLinger(hub, context);
}

function forgetTab(hub: HubState, tabId: string, context: Context): void {
  const tab = hub.tabs.get(tabId);
  if (!tab) return;
  askTopics(hub, hub.topics.dropTab(tab), context.now);
  askPresences(hub, hub.presences.dropTab(tab), context.now);
  for (const { wireId, wasSent } of hub.requests.dropTab(tabId)) {
    if (wasSent) sendCancel(hub, wireId, context.now);
  }
  hub.reconnecting = hub.reconnecting.filter((waiter) => waiter.tabId !== tabId);
  hub.followers = hub.followers.filter((follower) => follower.tabId !== tabId);
  // Not taken: the tab sends it again, if it comes back.
  hub.blocked.dropTab(tabId);
  hub.tabs.remove(tabId);
  markStatus(hub);
}

/** Takes a batch of a tab's operations, in order. */
export function takeOps(
  hub: HubState,
  { tabId, ops, transfers }: Extract<HubInput, { kind: 'tab-ops' }>,
  context: Context,
): void {
  const tab = hub.tabs.get(tabId);
  if (!tab) return;
  for (const op of ops) {
    if (op.kind === 'metrics') {
      // What has failed so far is counted when it is told.
      tellTidings(hub);
      const { journal, meter, outbox } = hub;
      const entriesPending = outbox.pending.entries + journal.ending;
      const counts = { entriesRefused: journal.refused, entriesPending, ...transfers };
      const json = JSON.stringify(meter.metrics(counts));
      tab.answers.push({ kind: 'response', id: op.id, json });
    } else {
      takeOp(hub, tab, op, context);
    }
  }
}

function takeOp(hub: HubState, tab: Tab, op: Exclude<TabOp, { kind: 'metrics' }>, context: Context): void {
  switch (op.kind) {
    case 'publish':
      markCounters(hub);
      return publish(hub, tab.id, op, context.now);
    case 'withdraw':
      return withdraw(hub, tab, op);
    case 'follow':
      return follow(hub, tab, op);
    case 'list':
      return list(hub, tab, op);
    case 'purge':
      markCounters(hub);
      return purge(hub, tab, op);
    case 'subscribe': {
      const since = op.since ?? (op.keepsCursor ? hub.cursors.get(op.topic) : undefined);
      const error = hub.topics.subscribe(tab, { ...op, since });
      markCounters(hub);
      if (error) tab.answers.push({ kind: 'refused', sub: op.sub, error });
      return;
    }
    case 'unsubscribe':
      markCounters(hub);
      return askTopics(hub, hub.topics.unsubscribe(tab, op.sub), context.now);
    case 'pause':
    case 'resume':
      return setPaused(tab, op.sub, op.kind === 'pause');
    case 'send-signal':
      return sendSignal(hub, tab, op, context.now);
    case 'watch': {
      const error = hub.presences.watch(tab, op);
      if (error) tab.answers.push({ kind: 'presence-ended', watch: op.watch, error });
      return;
    }
    case 'unwatch':
      return askPresences(hub, hub.presences.unwatch(tab, op.watch), context.now);
    case 'request': {
      const error = hub.requests.add(tab.id, op);
      if (error) tellError(hub, tab.id, op.id, error);
      return;
    }
    case 'cancel': {
      const request = hub.requests.cancel(tab.id, op.id);
      if (request?.wasSent) sendCancel(hub, request.wireId, context.now);
      return;
    }
    case 'signal':
      return takeSignal(hub, tab, op.signal, context);
    case 'reconnect':
      if (hub.reconnecting.length >= coreLimits.reconnectWaiters) {
        return tellError(hub, tab.id, op.id, queueFull('reconnects'));
      }
      hub.reconnecting.push({ tabId: tab.id, id: op.id });
      return stepConnection(hub, { kind: 'reconnect' }, context);
    default:
      op satisfies never;
  }
}

function setPaused(tab: Tab, sub: number, isPaused: boolean): void {
  const subscription = tab.subscriptions.get(sub);
  if (!subscription) return;
  subscription.paused = isPaused;
  const { place, topic, gap } = subscription;
  if (!isPaused && place !== null && (place < topic.tail.end || gap)) tab.ready.add(subscription);
}

function takeSignal(hub: HubState, tab: Tab, signal: PageSignal, context: Context): void {
  if (signal === 'hidden') return;
  if (signal === 'visible') hub.tabs.touch(tab);
  // A page that comes back often comes back from a sleep in which the connection died.
  stepConnection(hub, { kind: 'wake' }, context);
  stepHeartbeat(hub, { kind: 'probe' }, context);
}

function sendCancel(hub: HubState, wireId: string, now: number): void {
  if (hub.session) say(hub, now, { type: 'cancel', re: wireId });
}
