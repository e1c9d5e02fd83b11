import { queueFull, type ErrorData } from '../../src/protocol/errors.ts';
import type { BlockedEntry } from './blocked.ts';
import {
  cancelledError,
  expiredError,
  notForgottenError,
  purgedError,
  unknownError,
} from './entry-errors.ts';
import type { TabItem, TabOp } from './hub-api.ts';
import type { PendingEntry } from './payload-types.ts';
import { markCounters, startTimer, tellError, type HubState } from './hub-state.ts';
import { failureOf, type Tidings } from './journal.ts';
import * as coreLimits from './limits.ts';
import { isExpired, type EntryDraft } from './outbox-slots.ts';
import type { Tab } from './tab-types.ts';

type Writable<T> = { -readonly [K in keyof T]: T[K] };
type OpOf<K extends TabOp['kind']> = Extract<TabOp, { kind: K }>;

/** Takes what a tab publishes: into the log, into the line of those that wait for room, or not at all. */
export function publish(hub: HubState, tabId: string, op: OpOf<'publish'>, now: number): void {
  if (op.tabSeq <= hub.outbox.lastTabSeq(tabId)) return;
  const { tabSeq, id, topic, json, bytes, large, ts, ttlMs = Infinity, coalesceKey } = op;
  // From its publishing on, however long it waited for a hub.
  const expiresAt = Math.min(ts, now) + Math.min(ttlMs, hub.config.queue.maxAgeMs);
  // No field that is undefined: this is what the store keeps.
  const draft: Writable<EntryDraft> = { tabId, tabSeq, id, topic, ts, expiresAt };
  if (large) draft.large = large;
  else if (bytes) draft.bytes = bytes;
  else draft.json = json!;
  if (coalesceKey !== undefined) draft.coalesceKey = coalesceKey;
  if (op.trace) draft.trace = op.trace;
  hub.expiryAt = Math.min(hub.expiryAt, expiresAt);
  const entry = { draft, isVolatile: op.volatile ?? false };
  if (!hub.blocked.has(tabId) && admit(hub, entry)) return;
  if (!hub.blocked.add(entry)) hub.journal.refuse(failureOf(draft, queueFull('entries')));
}

/** False if there is no room for an entry, and it may wait for some. */
function admit(
  { outbox, session, connection, meter }: HubState,
  { draft, isVolatile }: BlockedEntry,
): boolean {
  const before = outbox.lastSeq;
  let isDone = true;
  if (isVolatile) {
    const isOpen = connection.state === 'open' && session && !session.isCongested;
    outbox.appendVolatile(draft, isOpen ? session.window : 0);
  } else {
    isDone = outbox.append(draft);
  }
  if (outbox.lastSeq > before) meter.entriesTaken += 1;
  return isDone;
}

/** Lets those in for which there is room now, a tab at a time. */
export function admitBlocked(hub: HubState, now: number): void {
  for (let next = hub.blocked.first; next; next = hub.blocked.first) {
    if (isExpired(next.draft, now)) hub.outbox.refuse(next.draft, expiredError);
    else if (!admit(hub, next)) return;
    hub.blocked.shift();
  }
}

/** Takes an entry back that cannot have been sent. */
export function withdraw(hub: HubState, tab: Tab, { id, entryId }: OpOf<'withdraw'>): void {
  if (hub.outbox.withdraw(entryId, cancelledError)) {
    hub.journal.tellStored(answer(tab, { kind: 'response', id, json: 'true' }));
    return;
  }
  const removed = endBlocked(hub, cancelledError, (draft) => draft.id === entryId);
  hub.journal.tell(answer(tab, { kind: 'response', id, json: String(removed) }));
}

/** Waits for the fate of an entry, of whichever tab. */
export function follow(hub: HubState, tab: Tab, { id, entryId, until }: OpOf<'follow'>): void {
  const seq = hub.outbox.isEnding(entryId) ? Infinity : hub.outbox.seqOf(entryId);
  if (seq === undefined) {
    tellError(hub, tab.id, id, hub.tabs.failureOf(entryId) ?? unknownError);
  } else if (hub.followers.length >= coreLimits.followers) {
    tellError(hub, tab.id, id, queueFull('entries that are followed'));
  } else {
    hub.followers.push({ tabId: tab.id, id, entryId, seq, until });
  }
}

/** Lists what has no fate yet. */
export function list(hub: HubState, tab: Tab, { id }: OpOf<'list'>): void {
  // A list can be as large as the outbox: a tab that does not take one gets no other.
  if (tab.answers.some(({ kind }) => kind === 'entries')) {
    return tellError(hub, tab.id, id, queueFull('lists of entries'));
  }
  const entries = hub.outbox.list().map(({ entry, isSent }): PendingEntry => {
    const { seq: _, tabId: __, tabSeq: ___, coalesceKey: ____, trace: _____, ...rest } = entry;
    return { ...rest, isSent };
  });
  tab.answers.push({ kind: 'entries', id, entries });
}

/** Forgets everything that is pending, and all cursors. */
export function purge(hub: HubState, tab: Tab, { id }: OpOf<'purge'>): void {
  hub.outbox.failAll(purgedError);
  endBlocked(hub, purgedError, () => true);
  hub.cursors.clear();
  hub.journal.purge(hub.tabs.failures);
  const unstored = { kind: 'error', id, error: notForgottenError } as const;
  hub.journal.tellStored({ ...answer(tab, { kind: 'response', id }), unstored });
}

/** Fails what has expired, and sets the timer for what expires next. */
export function expireEntries(hub: HubState, now: number): void {
  const nextAt = hub.outbox.expire(now);
  let blockedAt = Infinity;
  endBlocked(hub, expiredError, (draft) => {
    const isOver = isExpired(draft, now);
    if (!isOver) blockedAt = Math.min(blockedAt, draft.expiresAt ?? Infinity);
    return isOver;
  });
  // What expires one by one is looked for in one go.
  hub.expiryAt = Math.max(Math.min(nextAt, blockedAt), now + coreLimits.expiryIntervalMs);
  hub.expirySetFor = Infinity;
  if (nextAt === Infinity && blockedAt === Infinity) hub.expiryAt = Infinity;
}

/** Sets the timer, if something expires earlier than it was set for. */
export function watchExpiry(hub: HubState, now: number): void {
  if (hub.expiryAt >= hub.expirySetFor) return;
  hub.expirySetFor = hub.expiryAt;
  startTimer(hub, 'expiry', Math.max(0, hub.expiryAt - now));
}

/** The store has this commit: its entries may be sent, and its fates be told. */
export function committed(hub: HubState, commit: number): void {
  hub.outbox.stored(hub.journal.committed(commit));
}

/** Hands fates and answers to the tabs that they belong to, and counts what was dropped. */
export function tellTidings(hub: HubState): void {
  for (const tidings of hub.journal.takeTidings()) tellOne(hub, tidings);
  if (hub.followers.length > 0) answerFollowers(hub);
}

function tellOne(hub: HubState, tidings: Tidings): void {
  if (tidings.kind === 'answer') {
    const { item, unstored } = tidings;
    const { durability, error } = hub.storeHealth;
    const isUnstored = unstored && durability === 'memory' && error?.retryable;
    hub.tabs.get(tidings.tabId)?.answers.push(isUnstored ? unstored : item);
    return;
  }
  hub.tabs.tellFate(tidings);
  if (tidings.kind !== 'failed') return;
  hub.dropped += 1;
  hub.meter.dropped(tidings.error.code);
  markCounters(hub);
  if (hub.followers.length === 0) return;
  hub.followers = hub.followers.filter(({ tabId, id, entryId }) => {
    if (entryId !== tidings.id) return true;
    tellError(hub, tabId, id, tidings.error);
    return false;
  });
}

function answerFollowers(hub: HubState): void {
  const { storedSeq, acked } = hub.outbox;
  // A failure that waits for its commit may be of an entry that the acknowledgement passed.
  const ackedSeq = hub.outbox.isEnding() ? 0 : acked;
  hub.followers = hub.followers.filter(({ tabId, id, entryId, seq, until }) => {
    if (seq > (until === 'stored' ? storedSeq : ackedSeq)) return true;
    // Its sequence is a key, or was one.
    if (until === 'acked' && hub.outbox.held.isLate(entryId)) return true;
    hub.tabs.get(tabId)?.answers.push({ kind: 'response', id });
    return false;
  });
}

function endBlocked(hub: HubState, error: ErrorData, isMeant: (draft: EntryDraft) => boolean): boolean {
  const removed = hub.blocked.remove(isMeant);
  for (const draft of removed) hub.journal.refuse(failureOf(draft, error));
  return removed.length > 0;
}

const answer = (tab: Tab, item: TabItem) => ({ kind: 'answer' as const, tabId: tab.id, item });
