import { errorData, type ErrorData } from '../../src/protocol/errors.ts';
import type { ServerMessage } from '../../src/protocol/schema.ts';
import type { TabOp } from './hub-api.ts';
import { markCounters, type HubState } from './hub-state.ts';
import { isFull } from './presences.ts';
import type { Tab } from './tab-types.ts';

/** The id of a tab's signals on the wire: the server gives it back in the copy that this connection gets. */
const idPrefix = 'g';

/** Sends a signal now, or drops it: it waits for nothing. */
export function sendSignal(
  hub: HubState,
  tab: Tab,
  op: Extract<TabOp, { kind: 'send-signal' }>,
  now: number,
): void {
  const { topic, json } = op;
  if (!hub.session || hub.session.isCongested || hub.connection.state !== 'open') {
    return dropSignal(hub, tab.id, topic, errorData('not-open', 'the signal could not be sent at once'));
  }
  hub.outgoing.push({
    head: { type: 'signal', id: idPrefix + tab.id, ts: now, topic },
    json: `{"value":${json}}`,
  });
}

/** Hands a signal to the tabs that are subscribed, without the one that sent it. */
export function takeSignal(hub: HubState, { re, topic, payload }: ServerMessage<'signal'>): void {
  const found = hub.topics.get(topic);
  if (found?.wire.state !== 'live') return;
  const { identity, value } = payload;
  const json = JSON.stringify(value);
  for (const { tab, sub } of found.subscriptions) {
    if (re === idPrefix + tab.id) continue;
    if (isFull(tab)) countDrop(hub);
    else tab.answers.push({ kind: 'signal', sub, identity, json });
  }
}

/** The server refused what `re` names; nothing if that is no signal. */
export function signalRefused(hub: HubState, re: string, topic: string | undefined, error: ErrorData): void {
  if (topic !== undefined && re.startsWith(idPrefix))
    dropSignal(hub, re.slice(idPrefix.length), topic, error);
}

function dropSignal(hub: HubState, tabId: string, topic: string, error: ErrorData): void {
  countDrop(hub);
  const tab = hub.tabs.get(tabId);
  if (tab && !isFull(tab)) tab.answers.push({ kind: 'signal-dropped', topic, error });
}

function countDrop(hub: HubState): void {
  hub.signalsDropped += 1;
  markCounters(hub);
}
