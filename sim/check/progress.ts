import type { Progress } from '../../src/types.ts';
import type { Position } from '../../worker/core/hub-api.ts';
import type { Realm } from '../kernel/realm.ts';
import type { Publication } from './ledger.ts';
import { isOfTransfers, saidByHub, saidByServer, type Frame } from './frames.ts';
import type { Follower } from './topics.ts';
import { must } from './violation.ts';

/** The large message that a hub had last of a topic. */
interface Begun {
  readonly epoch: string;
  readonly offset: number;
  readonly transfer: string;
  readonly size: number;
  received: number;
}

/** What a hub has had of one topic. */
interface HubTopic {
  /** The connection on which it was subscribed to last. */
  connection: number;
  /** How often the hub began it again. */
  rewinds: number;
  begun: Begun | null;
  /** Whether a page has subscribed since that came. If it is the only one, the hub may have given the topic up before. */
  isJoined: boolean;
}

/** Whether large payloads go on where they were, and what is told of those on their way only ever grows. */
export class ProgressChecks {
  readonly #up = new Map<Publication, number>();
  readonly #down = new Map<
    Follower,
    Progress & { readonly hubId: string | null; readonly rewinds: number }
  >();
  /** By hub and topic. */
  readonly #topics = new Map<string, HubTopic>();
  /** Connections that each hub has made. */
  readonly #connections = new Map<Realm, number>();
  readonly #keepsTransfers: boolean;
  #startedAt = 0;

  constructor(keepsTransfers: boolean) {
    this.#keepsTransfers = keepsTransfers;
  }

  /** A server process begins, to which nothing has come yet. */
  started(now: number): void {
    this.#startedAt = now;
  }

  dialled(hub: Realm): void {
    this.#connections.set(hub, (this.#connections.get(hub) ?? 0) + 1);
  }

  /** A page tells its hub something. */
  told(hub: Realm, what: string, topic: string | undefined): void {
    if (what === 'subscribe') this.#topicOf(hub.name, topic!).isJoined = true;
  }

  /**
   * A hub begins a topic again for a tab that is further behind than it remembers, on the same connection or with the
   * next one: what was under way comes anew.
   */
  sent(hub: Realm, data: Frame): void {
    if (typeof data !== 'string' || !data.includes('"type":"subscribe"')) return;
    const connection = this.#connections.get(hub)!;
    for (const envelope of saidByHub(data)) {
      if (envelope.type !== 'subscribe') continue;
      const { topic, resume } = envelope;
      const known = this.#topicOf(hub.name, topic);
      const { begun, isJoined } = known;
      if (known.connection === connection || isBehind(begun, resume)) known.rewinds += 1;
      else if (begun && begun.offset === resume!.offset + 1 && !isJoined) {
        const { received = 0 } = resume!.partial ?? {};
        must(received === begun.received, 'a download goes on where it was', () => {
          return `${hub.name} asks for ${topic} ${begun.offset} from ${received}, and has ${begun.received}`;
        });
      }
      known.connection = connection;
    }
  }

  received(hub: Realm, data: Frame): void {
    if (!isOfTransfers(data)) return;
    for (const envelope of saidByServer(data)) {
      if (envelope.type === 'message' && envelope.transfer) {
        const { topic, epoch, offset, transfer } = envelope;
        const known = this.#topicOf(hub.name, topic);
        // A server that has forgotten its topics may give the same message the same offset.
        if (known.begun && known.begun.epoch !== epoch) known.rewinds += 1;
        const { id, size, at } = transfer;
        known.begun = { epoch, offset, transfer: id, size, received: at };
        known.isJoined = false;
      } else if (envelope.type === 'chunk') {
        const { transfer, at, payload } = envelope;
        for (const [key, { begun }] of this.#topics)
          if (key.startsWith(`${hub.name} `) && begun?.transfer === transfer)
            begun.received = at + (payload as Uint8Array).byteLength;
      }
    }
  }

  /** A page hears how much of its entry the server has. */
  uploaded(entry: Publication, ratio: number): void {
    const { id, content, at } = entry;
    const before = this.#up.get(entry) ?? 0;
    // What an earlier process said can come late, and a server without room forgets what had come.
    const isLess = ratio < before && this.#startedAt <= at && this.#keepsTransfers;
    must(content !== null && ratio > 0 && ratio <= 1 && !isLess, 'progress goes on', () => {
      return `${id} is at ${ratio}, after ${before}`;
    });
    this.#up.set(entry, ratio);
  }

  /** A subscription hears how much of the next message its hub has. */
  downloaded(follower: Follower, progress: Progress, hubId: string | null): void {
    const { topic, id, offset, received, size, ratio } = progress;
    const before = this.#down.get(follower);
    const { last } = follower;
    // A hub is named after what runs it.
    const { rewinds } = this.#topicOf(hubId?.slice(0, hubId.lastIndexOf('.')) ?? '', topic);
    const isSame = before?.hubId === hubId && before.id === id && before.offset === offset;
    const isLess = isSame && received < before.received;
    const isRight =
      topic === follower.topic && ratio === received / size && received >= 0 && received <= size;
    const isNext = last === null || offset === last.offset + 1;
    must(isRight && isNext && !(isLess && before.rewinds === rewinds), 'progress goes on', () => {
      return `${follower.who} has ${received} of ${size} of ${id} at ${offset}, after ${before?.received} and ${last?.offset}`;
    });
    // What was said before a topic began again can come after that, also as the first that a subscription hears of it.
    const known = isLess ? rewinds : isSame ? before.rewinds : Math.max(0, rewinds - 1);
    this.#down.set(follower, { ...progress, hubId, rewinds: known });
  }

  #topicOf(hub: string, topic: string): HubTopic {
    const key = `${hub} ${topic}`;
    const known = this.#topics.get(key) ?? { connection: 0, rewinds: 0, begun: null, isJoined: false };
    this.#topics.set(key, known);
    return known;
  }
}

/** Whether a hub that asks for what follows `resume` has to hear anew of a large message that it had, in part or all. */
function isBehind(begun: Begun | null, resume: Position | undefined): boolean {
  if (!begun || begun.epoch !== resume?.epoch) return begun !== null;
  return begun.received === begun.size ? resume.offset < begun.offset : resume.offset < begun.offset - 1;
}
