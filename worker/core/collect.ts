import type { Position, TabItem } from './hub-api.ts';
import * as coreLimits from './limits.ts';
import type { Tab, TabSubscription } from './tab-types.ts';
import { recordBytes, type TailRecord } from './topic-tail.ts';

interface Budget {
  messages: number;
  bytes: number;
}

/**
 * The next messages for a tab, read from the tails of its topics, within the bounds of one batch. A
 * subscription that is cut off goes to the end of the line, so that a flood cannot starve a quiet topic.
 */
export function collectMessages(tab: Tab): TabItem[] {
  const items: TabItem[] = [];
  const budget: Budget = { messages: coreLimits.batchMessages, bytes: coreLimits.batchBytes };
  for (const subscription of tab.ready) {
    tab.ready.delete(subscription);
    const isAtEnd = collectFrom(subscription, budget, items);
    const { sub, topic, reached } = subscription;
    if (reached) tab.cursors.push({ number: tab.window.sent + 1, sub, topic, position: reached });
    subscription.reached = null;
    if (!isAtEnd) {
      tab.ready.add(subscription);
      break;
    }
  }
  return items;
}

/** Reads on in one topic. False if the batch was full before its end. */
function collectFrom(subscription: TabSubscription, budget: Budget, items: TabItem[]): boolean {
  const { topic, sub } = subscription;
  const { tail } = topic;
  if (subscription.paused || subscription.place === null) return true;
  if (subscription.place < tail.begin) fallOffTail(subscription, subscription.place);
  if (subscription.gap) {
    const position = reachedBy(subscription, positionAt(subscription));
    items.push({ kind: 'gap', sub, ...position, ...subscription.gap });
    subscription.gap = null;
    reach(subscription, position.epoch, position.offset);
  }
  for (;;) {
    const record = tail.recordAt(subscription.place);
    if (!record) {
      tellProgress(subscription, items);
      return true;
    }
    if (budget.messages <= 0 || budget.bytes <= 0) return false;
    const skip = Math.max(subscription.place - record.at, unwanted(subscription, record));
    if (skip < record.count) {
      budget.messages -= record.count - skip;
      budget.bytes -= recordBytes(record);
      items.push(asItem(record, sub, skip));
      const { epoch, offset, count } = record;
      reach(subscription, epoch, record.kind === 'gap' ? offset : offset + count - 1);
    }
    subscription.place = record.at + record.count;
  }
}

/** Says how far the large message is that is next. */
function tellProgress(subscription: TabSubscription, items: TabItem[]): void {
  const { topic, skipTo, told, sub } = subscription;
  const { download } = topic;
  if (!download || (told?.download === download && told.step === download.step)) return;
  const { id, epoch, offset, transfer } = download.message;
  if (skipTo?.epoch === epoch && offset <= skipTo.offset) return;
  subscription.told = { download, step: download.step };
  items.push({ kind: 'progress', sub, offset, id, received: download.received, size: transfer.size });
}

function reach(subscription: TabSubscription, epoch: string, offset: number): void {
  if (subscription.keepsCursor) subscription.reached = { epoch, offset };
}

/** What comes next for a subscription is not kept any more: that is a gap, unless it was not for it anyhow. */
function fallOffTail(subscription: TabSubscription, place: number): void {
  const { skipTo, topic } = subscription;
  subscription.place = topic.tail.begin;
  const { epoch, offset } = positionAt(subscription);
  if (skipTo?.epoch === epoch && offset <= skipTo.offset) return;
  subscription.gap = { reason: 'slow-tab', missed: skipTo ? null : topic.tail.begin - place };
}

/** How many messages at the beginning of a record are not for a subscription. */
function unwanted(subscription: TabSubscription, record: TailRecord): number {
  const { skipTo } = subscription;
  if (!skipTo) return 0;
  const isSameEpoch = record.epoch === skipTo.epoch;
  const before = record.offset - 1;
  if (!isSameEpoch || before + record.count >= skipTo.offset) subscription.skipTo = null;
  return isSameEpoch ? Math.min(Math.max(0, skipTo.offset - before), record.count) : 0;
}

/** A position, or that behind what is not for the subscription, if that is further. */
export const reachedBy = ({ skipTo }: TabSubscription, position: Position): Position =>
  skipTo?.epoch === position.epoch && skipTo.offset > position.offset ? skipTo : position;

/** The position before the next message of a subscription. */
export function positionAt(subscription: TabSubscription): Position {
  const { tail, cursor } = subscription.topic;
  const record = tail.recordAt(subscription.place!);
  if (!record) return cursor!;
  const before = record.kind === 'gap' ? record.offset : record.offset - 1;
  return { epoch: record.epoch, offset: before + (subscription.place! - record.at) };
}

function asItem({ at: _, count: __, ...record }: TailRecord, sub: number, skip: number): TabItem {
  return record.kind === 'messages' ? { ...record, sub, skip } : { ...record, sub };
}
