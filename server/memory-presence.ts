/**
 * One identity in one topic:
 *
 * ```
 * (absent) -> here
 * here     -> leaving | (absent)
 * leaving  -> here | (absent)
 * ```
 */
import { Alarm } from './alarm.ts';
import type { Clock } from './clock.ts';
import { DueQueue } from './due-queue.ts';
import type { ServerLimits } from './limits.ts';
import type {
  Leave,
  PresenceChange,
  PresenceList,
  PresenceMember,
  PresenceStore,
  PresenceWatcher,
} from './presence.ts';
import type { ServerStats } from './stats.ts';

interface Present {
  readonly topic: string;
  readonly member: PresenceMember;
  /** Subscriptions of all connections of the identity; 0 while it is leaving. */
  subscriptions: number;
  /** When it has left for good, while it is leaving. */
  gone: number;
}

interface Room {
  /** Those whom a list names: the first ones, in the order in which they came. */
  readonly named: Map<string, Present>;
  /** All others, in the same order: the first of them is named when one of those leaves. */
  readonly others: Map<string, Present>;
  readonly watchers: Set<PresenceWatcher>;
}

/** What a presence in memory is made with. */
export interface MemoryPresenceOptions {
  readonly clock: Clock;
  readonly limits: ServerLimits;
  readonly stats: ServerStats;
  /** Milliseconds that somebody stays there without a subscription. */
  readonly graceMs: number;
}

/** The presence of one server. */
export class MemoryPresence implements PresenceStore {
  readonly #options: MemoryPresenceOptions;
  readonly #rooms = new Map<string, Room>();
  /** Those who are leaving, who is gone first first: the grace period is the same for all. */
  readonly #leaving = new Set<Present>();
  readonly #alarm: Alarm;
  #size = 0;

  constructor(options: MemoryPresenceOptions) {
    this.#options = options;
    this.#alarm = new Alarm(new DueQueue(options.clock), () => this.#ring());
  }

  enter(topic: string, identity: string, info: unknown): Leave {
    const known = find(this.#rooms.get(topic), identity);
    if (known) {
      known.subscriptions += 1;
      this.#leaving.delete(known);
      return (atOnce) => this.#leave(known, atOnce);
    }
    const { limits, clock, stats } = this.#options;
    if (this.#size >= limits.presences) {
      const [first] = this.#leaving;
      if (!first) {
        stats.presencesMissed++;
        return () => undefined;
      }
      this.#remove(first);
    }
    const since = clock.now();
    const member = info === undefined ? { identity, since } : { identity, since, info };
    const room = this.#room(topic);
    const present: Present = { topic, member, subscriptions: 1, gone: Infinity };
    const isNamed = room.named.size < limits.presenceMembers;
    (isNamed ? room.named : room.others).set(identity, present);
    this.#size += 1;
    tell(room, { joined: member, count: countOf(room) });
    return (atOnce) => this.#leave(present, atOnce);
  }

  list(topic: string): PresenceList {
    const room = this.#rooms.get(topic);
    if (!room) return { members: [], count: 0 };
    return { members: Array.from(room.named.values(), ({ member }) => member), count: countOf(room) };
  }

  watch(topic: string, watcher: PresenceWatcher): () => void {
    const room = this.#room(topic);
    room.watchers.add(watcher);
    return () => {
      room.watchers.delete(watcher);
      this.#forget(topic, room);
    };
  }

  close(): void {
    this.#alarm.clear();
    this.#leaving.clear();
  }

  #leave(present: Present, atOnce: boolean): void {
    present.subscriptions -= 1;
    if (present.subscriptions > 0) return;
    if (atOnce) return this.#remove(present);
    const { clock, graceMs } = this.#options;
    present.gone = clock.now() + graceMs;
    this.#leaving.add(present);
    if (this.#leaving.size === 1) this.#alarm.set(present.gone);
  }

  #ring(): void {
    const now = this.#options.clock.now();
    for (const present of this.#leaving) {
      if (present.gone > now) return this.#alarm.set(present.gone);
      this.#remove(present);
    }
  }

  #remove(present: Present): void {
    const { topic, member } = present;
    const room = this.#rooms.get(topic)!;
    this.#leaving.delete(present);
    const wasNamed = room.named.delete(member.identity);
    if (!wasNamed) room.others.delete(member.identity);
    this.#size -= 1;
    const named = wasNamed ? nameNext(room) : undefined;
    tell(room, { left: member, ...(named && { named }), count: countOf(room) });
    this.#forget(topic, room);
  }

  #room(topic: string): Room {
    const known = this.#rooms.get(topic);
    if (known) return known;
    const room: Room = { named: new Map(), others: new Map(), watchers: new Set() };
    this.#rooms.set(topic, room);
    return room;
  }

  #forget(topic: string, room: Room): void {
    if (countOf(room) === 0 && room.watchers.size === 0 && this.#rooms.get(topic) === room) {
      this.#rooms.delete(topic);
    }
  }
}

const countOf = ({ named, others }: Room): number => named.size + others.size;

const find = (room: Room | undefined, identity: string): Present | undefined =>
  room?.named.get(identity) ?? room?.others.get(identity);

/** Names the first of those who were left out, where there is one. */
function nameNext({ named, others }: Room): PresenceMember | undefined {
  for (const [identity, next] of others) {
    others.delete(identity);
    named.set(identity, next);
    return next.member;
  }
  return undefined;
}

function tell({ watchers }: Room, change: PresenceChange): void {
  for (const watcher of watchers) watcher(change);
}
