import { queueFull, type ErrorData } from '../../src/protocol/errors.ts';
import type { TraceContext } from '../../src/protocol/trace-context.ts';
import type { ServerMessage } from '../../src/protocol/schema.ts';
import { Download, isLarge, type Join } from './download.ts';
import type { GapReason, Position } from './hub-api.ts';
import * as coreLimits from './limits.ts';
import { continues, isBytes, isSingle, rowOf, traced } from './message-run.ts';
import type { Tab, TabSubscription, Topic } from './tab-types.ts';
import type { TopicRequest } from './topic-request.ts';
import { isBehindTail, oldestSince, rewind, startAtServer, startInTail } from './topic-start.ts';
import { TopicTail } from './topic-tail.ts';

/** All topics of the hub, counted across tabs. */
export class Topics {
  readonly #topics = new Map<string, Topic>();
  readonly #join: Join;
  #asked = 0;

  constructor(join: Join) {
    this.#join = join;
  }

  get size(): number {
    return this.#topics.size;
  }

  get(name: string): Topic | undefined {
    return this.#topics.get(name);
  }

  values(): Iterable<Topic> {
    return this.#topics.values();
  }

  /**
   * Adds a subscription of a tab. Where the hub has the topic already, it starts in the kept tail without a word to the
   * server, unless it has seen less than that: then the topic is asked for again. Gives the error if a bound is reached.
   */
  subscribe(
    tab: Tab,
    wish: {
      readonly sub: number;
      readonly topic: string;
      readonly replay: number;
      readonly since?: Position | undefined;
      readonly keepsCursor?: boolean | undefined;
      readonly trace?: TraceContext | undefined;
    },
  ): ErrorData | undefined {
    if (tab.subscriptions.has(wish.sub)) return undefined;
    if (tab.subscriptions.size >= coreLimits.subscriptionsPerTab) return queueFull('subscriptions');
    const topic = this.#topics.get(wish.topic) ?? this.#add(wish.topic);
    if (!topic) return queueFull('topics');
    const subscription: TabSubscription = {
      tab,
      sub: wish.sub,
      topic,
      replay: wish.replay,
      since: wish.since ?? null,
      keepsCursor: wish.keepsCursor ?? false,
      reached: null,
      place: null,
      skipTo: null,
      paused: false,
      told: null,
      gap: null,
    };
    tab.subscriptions.set(wish.sub, subscription);
    topic.subscriptions.add(subscription);
    if (topic.cursor) {
      if (isBehindTail(subscription, topic.cursor)) rewind(topic);
      else startInTail(subscription, topic.cursor);
    }
    // One that is asked for already has its trace, and one that was resumed is nobody's doing.
    if (topic.wire.state === 'wanted') topic.trace ??= wish.trace;
    return undefined;
  }

  /** Ends a subscription of a tab. The last one of a topic ends it at the server. */
  unsubscribe(tab: Tab, sub: number): TopicRequest[] {
    const subscription = tab.subscriptions.get(sub);
    if (!subscription) return [];
    tab.subscriptions.delete(sub);
    tab.ready.delete(subscription);
    const { topic } = subscription;
    topic.subscriptions.delete(subscription);
    if (topic.subscriptions.size > 0) return [];
    this.#topics.delete(topic.name);
    return topic.wire.state === 'wanted' ? [] : [{ kind: 'unsubscribe', topic: topic.name }];
  }

  /** Ends all subscriptions of a tab. */
  dropTab(tab: Tab): TopicRequest[] {
    return [...tab.subscriptions.keys()].flatMap((sub) => this.unsubscribe(tab, sub));
  }

  /** What must be asked of the server now that a session is open; each topic once per session. */
  ask(): TopicRequest[] {
    const requests: TopicRequest[] = [];
    for (const topic of this.#topics.values()) {
      if (topic.wire.state !== 'wanted') continue;
      const id = `s${(this.#asked += 1)}`;
      const resume = topic.cursor ?? oldestSince(topic);
      const replay = Math.max(0, ...Array.from(topic.subscriptions, (each) => each.replay));
      topic.wire = { state: 'asked', id, resume };
      const { cursor, download, trace } = topic;
      topic.trace = undefined;
      const request = { kind: 'subscribe', topic: topic.name, id, replay, resume, trace } as const;
      if (cursor && download?.follows(cursor)) {
        const { offset } = download.message;
        requests.push({ ...request, partial: { offset, received: download.received } });
      } else {
        requests.push(request);
      }
    }
    return requests;
  }

  /** The session is gone: every topic is wanted again. */
  sessionLost(): void {
    for (const topic of this.#topics.values()) topic.wire = { state: 'wanted' };
  }

  /** The server confirmed a topic; its messages follow. */
  confirmed(answer: ServerMessage<'subscribed'>): void {
    const topic = this.#topics.get(answer.topic);
    if (!topic || topic.wire.state !== 'asked' || topic.wire.id !== answer.re) return;
    const { resume } = topic.wire;
    // A tab came meanwhile that was further behind.
    const oldest = topic.cursor ? null : oldestSince(topic);
    const isAskedFrom = resume ?? answer;
    if (
      oldest?.epoch === answer.epoch &&
      isAskedFrom.epoch === oldest.epoch &&
      oldest.offset < isAskedFrom.offset
    ) {
      topic.wire = { state: 'wanted' };
      return;
    }
    topic.wire = { state: 'live' };
    if (topic.cursor) return;
    // A server that could not resume there says so by a gap, which then moves the cursor.
    topic.cursor = resume ?? { epoch: answer.epoch, offset: answer.offset };
    for (const subscription of topic.subscriptions) startAtServer(subscription, answer, resume);
  }

  /** The server refused a topic: gives the subscriptions that end with it. */
  refused(re: string): TabSubscription[] {
    for (const topic of this.#topics.values()) {
      if (topic.wire.state !== 'asked' || topic.wire.id !== re) continue;
      return this.#endAll(topic);
    }
    return [];
  }

  /** The server ended a topic: gives the subscriptions that end with it. */
  revoked(name: string): TabSubscription[] {
    const topic = this.#topics.get(name);
    // One that is asked for anew has an answer of its own.
    return topic?.wire.state === 'live' ? this.#endAll(topic) : [];
  }

  /** The server cannot go on where the hub is. */
  gap(answer: ServerMessage<'gap'>): void {
    const topic = this.#topics.get(answer.topic);
    if (topic?.wire.state !== 'live') return;
    const { reason, missed = null } = answer.payload;
    appendGap(topic, reason, missed, { epoch: answer.epoch, offset: answer.offset });
  }

  /** Takes messages of a frame, in order; runs of one topic become one record. */
  take(messages: readonly ServerMessage<'message'>[]): void {
    let begin = 0;
    while (begin < messages.length) {
      const first = messages[begin]!;
      let end = begin + 1;
      if (!isSingle(first)) while (end < messages.length && continues(messages, end)) end += 1;
      const topic = this.#topics.get(first.topic);
      if (topic?.wire.state === 'live') takeRun(topic, messages.slice(begin, end), this.#join);
      begin = end;
    }
  }

  /** Takes a part of a large message; of one that nobody wants any more, nothing. */
  takeChunk({ transfer, at, payload }: ServerMessage<'chunk'>): void {
    if (!isBytes(payload)) return;
    for (const topic of this.#topics.values()) {
      const { download } = topic;
      if (download?.transfer !== transfer || topic.wire.state !== 'live') continue;
      const before = download.step;
      download.take(at, payload, this.#join);
      if (download.isComplete) return finishDownload(topic, download, this.#join);
      if (download.step > before) tellProgress(topic);
    }
  }

  #endAll({ subscriptions }: Topic): TabSubscription[] {
    const ended = [...subscriptions];
    for (const { tab, sub } of ended) this.unsubscribe(tab, sub);
    return ended;
  }

  #add(name: string): Topic | undefined {
    if (this.#topics.size >= coreLimits.topics) return undefined;
    const topic: Topic = {
      name,
      tail: new TopicTail(),
      subscriptions: new Set(),
      cursor: null,
      download: null,
      wire: { state: 'wanted' },
      trace: undefined,
    };
    this.#topics.set(name, topic);
    return topic;
  }
}

/** Appends a run of consecutive messages; skips those that the hub has, and tells a hole as a gap. */
function takeRun(topic: Topic, run: readonly ServerMessage<'message'>[], join: Join): void {
  const first = run[0]!;
  const cursor = topic.cursor!;
  const isSameEpoch = first.epoch === cursor.epoch;
  const known = isSameEpoch ? cursor.offset + 1 - first.offset : 0;
  if (known >= run.length) return;
  if (!isSameEpoch || known < 0) {
    const position = { epoch: first.epoch, offset: first.offset - 1 };
    appendGap(topic, isSameEpoch ? 'history' : 'epoch', isSameEpoch ? -known : null, position);
  }
  if (isLarge(first)) {
    if (topic.download?.resumes(first)) topic.download.transfer = first.transfer.id;
    else topic.download = first.transfer.at === 0 ? new Download(first) : null;
    if (topic.download?.isComplete) finishDownload(topic, topic.download, join);
    return;
  }
  topic.download = null;
  const fresh = known > 0 ? run.slice(known) : run;
  const { epoch, offset, id, ts, payload, trace } = fresh[0]!;
  topic.cursor = { epoch, offset: offset + fresh.length - 1 };
  if (isBytes(payload)) {
    topic.tail.append({
      kind: 'bytes',
      count: 1,
      epoch,
      offset,
      id,
      ts,
      bytes: payload.slice().buffer,
      ...traced(trace),
    });
  } else {
    const rows = JSON.stringify(fresh.map(rowOf));
    topic.tail.append({ kind: 'messages', count: fresh.length, epoch, offset, rows });
  }
  wakeSubscriptions(topic);
}

function finishDownload(topic: Topic, download: Download, join: Join): void {
  const { epoch, offset, id, ts, trace } = download.message;
  topic.download = null;
  topic.cursor = { epoch, offset };
  topic.tail.append({
    kind: 'large',
    count: 1,
    epoch,
    offset,
    id,
    ts,
    large: download.content(join),
    ...traced(trace),
  });
  wakeSubscriptions(topic);
}

/** Lets the subscriptions that have everything else hear how far the next message is. */
function tellProgress({ subscriptions, tail }: Topic): void {
  for (const subscription of subscriptions) {
    if (!subscription.paused && subscription.place === tail.end) subscription.tab.ready.add(subscription);
  }
}

function appendGap(topic: Topic, reason: GapReason, missed: number | null, position: Position): void {
  topic.cursor = position;
  topic.download = null;
  topic.tail.append({ kind: 'gap', count: 1, ...position, reason, missed });
  wakeSubscriptions(topic);
}

function wakeSubscriptions(topic: Topic): void {
  const { end } = topic.tail;
  for (const subscription of topic.subscriptions) {
    if (!subscription.paused && subscription.place !== null && subscription.place < end) {
      subscription.tab.ready.add(subscription);
    }
  }
}
