import type { ServerMessage } from '../../src/protocol/schema.ts';
import type { Position } from './hub-api.ts';
import { positionAt, reachedBy } from './collect.ts';
import type { TabSubscription, Topic } from './tab-types.ts';
import { TopicTail, type TailRecord } from './topic-tail.ts';

/** The position to resume from where only subscriptions of a former hub know one: the oldest of one epoch. */
export function oldestSince(topic: Topic): Position | null {
  let oldest: Position | null = null;
  for (const { since } of topic.subscriptions) {
    if (since && (!oldest || (since.epoch === oldest.epoch && since.offset < oldest.offset))) oldest = since;
  }
  return oldest;
}

/** Whether a subscription has to see messages that this hub has never had, or does not keep any more. */
export const isBehindTail = ({ since, topic }: TabSubscription, cursor: Position): boolean =>
  since?.epoch === cursor.epoch && since.offset < cursor.offset && topic.tail.placeAfter(since) === undefined;

/**
 * The topic is wanted anew, from the oldest position of all its subscriptions, each of which skips what it has. Tabs come
 * to a new hub one after the other, and the first of them can be ahead of the rest.
 */
export function rewind(topic: Topic): void {
  for (const subscription of topic.subscriptions) {
    const { place, gap } = subscription;
    if (place === null) continue;
    // With a gap that it has not been told of, it is still where it came from.
    if (gap) subscription.gap = null;
    else stayBehind(subscription, topic.tail.recordAt(place));
    subscription.place = subscription.skipTo = null;
    subscription.tab.ready.delete(subscription);
  }
  topic.tail = new TopicTail();
  topic.cursor = topic.download = null;
  topic.wire = { state: 'wanted' };
}

/** Notes where a subscription is, and the gap that it would have been told of next. */
function stayBehind(subscription: TabSubscription, next: TailRecord | undefined): void {
  const position = positionAt(subscription);
  const { skipTo } = subscription;
  // What it begins behind can lie in an epoch that the hub has not come to, or in one that it has left.
  subscription.since = skipTo && skipTo.epoch !== position.epoch ? skipTo : reachedBy(subscription, position);
  if (next?.kind !== 'gap' || next.at !== subscription.place || subscription.since !== position) return;
  const { reason, missed } = next;
  subscription.gap = { reason, missed };
}

/** Starts a subscription in the tail that the hub keeps. */
export function startInTail(subscription: TabSubscription, cursor: Position): void {
  const { tail } = subscription.topic;
  const { since, replay } = subscription;
  if (!since) {
    begin(subscription, Math.max(tail.begin, tail.end - replay), cursor);
    return;
  }
  if (since.epoch === cursor.epoch && since.offset >= cursor.offset) {
    // A tab that a former hub had served further than this one has come.
    if (since.offset > cursor.offset) subscription.skipTo = since;
    begin(subscription, tail.end, since);
    return;
  }
  const place = tail.placeAfter(since);
  if (place === undefined) subscription.gap = { reason: 'epoch', missed: null };
  begin(subscription, place ?? tail.begin, since);
}

/** Starts a subscription with the first confirmation of its topic: in what follows from the server. */
export function startAtServer(
  subscription: TabSubscription,
  answer: ServerMessage<'subscribed'>,
  resume: Position | null,
): void {
  const { tail } = subscription.topic;
  const { since, replay } = subscription;
  const { epoch, offset, head } = answer;
  const gapFollows = resume !== null && (resume.epoch !== epoch || resume.offset !== offset);
  if (!since) {
    const start = { epoch, offset: Math.max(offset, head - replay) };
    if (gapFollows || start.offset > offset) subscription.skipTo = start;
    begin(subscription, tail.end, start);
    return;
  }
  const isKnown = since.epoch === epoch && since.offset <= head;
  if (isKnown && since.offset >= offset) {
    if (gapFollows || since.offset > offset) subscription.skipTo = since;
  } else if (!gapFollows) {
    subscription.gap = isKnown
      ? { reason: 'history', missed: offset - since.offset }
      : { reason: 'epoch', missed: null };
  }
  begin(subscription, tail.end, since);
}

function begin(subscription: TabSubscription, place: number, position: Position): void {
  const { tab, sub, topic } = subscription;
  subscription.place = place;
  tab.answers.push({ kind: 'subscribed', sub, position });
  if (subscription.keepsCursor) tab.cursors.unshift({ number: 0, sub, topic, position });
  if (place < topic.tail.end || subscription.gap) tab.ready.add(subscription);
}
