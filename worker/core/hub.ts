import * as closeCodes from '../../src/protocol/close-codes.ts';
import { collectMessages } from './collect.ts';
import { batchTaken, nextBatch } from './batch-window.ts';
import type { Context } from './context.ts';
import { stepConnection } from './hub-connection.ts';
import { takeNextToken } from './hub-renewal.ts';
import { takeFrame } from './hub-session.ts';
import { admitBlocked, committed, tellTidings, watchExpiry } from './hub-outbox.ts';
import { hubStatus, markStatus, startOnce, type HubState } from './hub-state.ts';
import { attachTab, dropTab, takeOps } from './hub-tabs.ts';
import { elapsed } from './hub-timers.ts';
import type { HubStatus } from './hub-api.ts';
import type { HubEffect, HubInput } from './hub-types.ts';
import { takeChunkRead } from './hub-uploads.ts';
import { fillSession } from './hub-sending.ts';
import { tellReceived } from './receive-window.ts';
import { watchLinger } from './linger.ts';
import * as coreLimits from './limits.ts';
import { isDue, takeAnswers } from './tabs.ts';
import type { Tab } from './tab-types.ts';

/**
 * The hub machine: composes connection, heartbeat, topics, outbox, requests and tabs. One input in, all that
 * follows from it out; synchronous, total, and without a clock, a random number or a socket of its own.
 */
export function hubTransition(hub: HubState, input: HubInput, context: Context): readonly HubEffect[] {
  hub.effects = [];
  take(hub, input, context);
  watchLinger(hub, context);
  hub.outbox.held.passOn();
  admitBlocked(hub, context.now);
  hub.outbox.held.passOn();
  fillSession(hub, context);
  watchExpiry(hub, context.now);
  tellTidings(hub);
  const written = hub.journal.take(hub.outbox.lastSeq, (tabId) => hub.outbox.lastTabSeq(tabId));
  if (written) hub.effects.push({ kind: 'persist', ...written });
  // To the server before the tabs: its answer takes longest.
  send(hub);
  deliver(hub);
  tellReceived(hub, context);
  send(hub);
  return hub.effects;
}

function take(hub: HubState, input: HubInput, context: Context): void {
  switch (input.kind) {
    case 'tab-attached':
      return attachTab(hub, input.request, context);
    case 'tab-gone':
      return dropTab(hub, input.tabId, context);
    case 'outdated':
      if (!hub.isOutdated) markStatus(hub);
      hub.isOutdated = true;
      return;
    case 'tab-ops':
      return takeOps(hub, input, context);
    case 'batch-taken': {
      const tab = hub.tabs.get(input.tabId);
      if (!tab) return;
      batchTaken(tab.window, input.number);
      tab.takenAt = context.now;
      moveCursors(hub, tab, input.endedSubs);
      hub.presences.catchUp(tab);
      return;
    }
    case 'token':
    case 'no-token':
      if (hub.renewal.state === 'asking') return takeNextToken(hub, input, context);
      return stepConnection(hub, input, context);
    case 'opened':
    case 'lost':
      return stepConnection(hub, input, context);
    case 'frame':
      if (input.dial === hub.connection.dial) takeFrame(hub, input.envelopes, context);
      return;
    case 'bad-frame': {
      const code = closeCodes.malformedFrame;
      return stepConnection(hub, { kind: 'dead', dial: input.dial, code, reason: input.violation }, context);
    }
    case 'chunk-read':
      return takeChunkRead(hub, input, context.now);
    case 'congestion':
      if (hub.session?.dial === input.dial) hub.session.isCongested = input.isCongested;
      return;
    case 'committed':
      return committed(hub, input.commit);
    case 'store-health':
      hub.storeHealth = input.health;
      hub.outbox.held.setStalled(input.health.durability === 'memory', hub.outbox.storedSeq);
      return markStatus(hub);
    case 'elapsed':
      return elapsed(hub, input.timer, context);
    default:
      input satisfies never;
  }
}

/** A batch to every tab that has credit and something to be told. */
function deliver(hub: HubState): void {
  let status: HubStatus | undefined;
  for (const tab of hub.tabs.values()) {
    while (isDue(tab)) {
      const items = takeAnswers(tab);
      items.push(...collectMessages(tab));
      if (tab.statusIsDirty) items.push({ kind: 'status', status: (status ??= hubStatus(hub)) });
      tab.statusIsDirty = false;
      if (items.length > 0) {
        hub.meter.batchesDelivered += 1;
        hub.effects.push({ kind: 'deliver', tabId: tab.id, number: nextBatch(tab.window), items });
      }
    }
  }
}

/** Keeps the positions that the tab has reached with the batches that it took. */
function moveCursors(hub: HubState, { cursors, window }: Tab, endedSubs: readonly number[]): void {
  for (let first = cursors[0]; first && first.number <= window.taken; first = cursors[0]) {
    cursors.shift();
    const { number, sub, topic, position } = first;
    if (endedSubs.includes(sub)) continue;
    // Where one begins says nothing of what another has still to take.
    if (number === 0 && hub.cursors.get(topic.name)?.epoch === position.epoch) continue;
    if (!hub.cursors.move(topic.name, position, topic.cursor ?? position)) continue;
    hub.journal.cursor(topic.name, position);
    startOnce(hub, 'cursors', coreLimits.cursorDelayMs);
  }
}

/** What the transition gathered for the server, in one go. Without a session it is not for the next one. */
function send(hub: HubState): void {
  const { session, outgoing } = hub;
  hub.outgoing = [];
  if (!session || outgoing.length === 0) return;
  hub.effects.push({ kind: 'send', dial: session.dial, envelopes: outgoing, bounds: session.bounds });
}
