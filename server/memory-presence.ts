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
  /** In the order in which they came. */
  readonly present: Map<string, Present>;
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
    const known = this.#rooms.get(topic)?.present.get(identity);
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
    room.present.set(identity, present);
    this.#size += 1;
    tell(room, { joined: member, count: room.present.size });
    return (atOnce) => this.#leave(present, atOnce);
  }

  list(topic: string): PresenceList {
    const present = this.#rooms.get(topic)?.present ?? new Map<string, Present>();
    const members: PresenceMember[] = [];
    for (const { member } of present.values()) {
      if (members.length >= this.#options.limits.presenceMembers) break;
      members.push(member);
    }
    return { members, count: present.size };
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
    room.present.delete(member.identity);
    this.#size -= 1;
    tell(room, { left: member, count: room.present.size });
    this.#forget(topic, room);
  }

  #room(topic: string): Room {
    const known = this.#rooms.get(topic);
    if (known) return known;
    const room: Room = { present: new Map(), watchers: new Set() };
    this.#rooms.set(topic, room);
    return room;
  }

  #forget(topic: string, room: Room): void {
    if (room.present.size === 0 && room.watchers.size === 0 && this.#rooms.get(topic) === room) {
      this.#rooms.delete(topic);
    }
  }
}

function tell({ watchers }: Room, change: PresenceChange): void {
  for (const watcher of watchers) watcher(change);
}
