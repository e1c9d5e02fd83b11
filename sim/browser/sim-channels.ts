import type { Channel, OpenChannel } from '../../worker/channel.ts';
import type { Random } from '../kernel/random.ts';
import type { Realm } from '../kernel/realm.ts';
import * as simLimits from '../limits.ts';
import { clone } from './port.ts';

/** One end of a channel. */
export interface ChannelEnd {
  readonly realm: Realm;
  readonly name: string;
  isClosed: boolean;
}

/** Hears what goes over channels. */
export interface ChannelObserver {
  /** An end is opened, as one of so many of its realm. */
  opened(end: ChannelEnd, count: number): void;
  posted(end: ChannelEnd, message: unknown): void;
  heard(end: ChannelEnd, message: unknown): void;
}

interface OpenEnd extends ChannelEnd {
  readonly heard: (message: unknown) => void;
  /** When the newest message of each other end arrives: none overtakes another of the same. */
  readonly lastAt: Map<ChannelEnd, number>;
}

/** The BroadcastChannels of one origin. */
export class SimChannels {
  readonly #random: Random;
  readonly #names = new Map<string, Set<OpenEnd>>();
  readonly #realms = new Map<Realm, Set<OpenEnd>>();
  observer: ChannelObserver = { opened() {}, posted() {}, heard() {} };

  constructor(random: Random) {
    this.#random = random;
  }

  /** Ends that are open, for whoever looks whether all were closed. */
  get open(): readonly ChannelEnd[] {
    return [...this.#names.values()].flatMap((ends) => [...ends]);
  }

  /** The channels as one realm has them. */
  of(realm: Realm): OpenChannel {
    return (name, heard): Channel => {
      const end: OpenEnd = { realm, name, heard, isClosed: false, lastAt: new Map() };
      if (realm.emits()) this.#add(end);
      return { post: (message) => this.#post(end, message), close: () => this.#remove(end) };
    };
  }

  #add(end: OpenEnd): void {
    const { realm, name } = end;
    const ends = this.#names.get(name) ?? new Set();
    this.#names.set(name, ends.add(end));
    let own = this.#realms.get(realm);
    if (!own) {
      this.#realms.set(realm, (own = new Set()));
      realm.onDeath(() => {
        for (const each of this.#realms.get(realm)!) this.#remove(each);
        this.#realms.delete(realm);
      });
    }
    own.add(end);
    this.observer.opened(end, own.size);
  }

  #remove(end: OpenEnd): void {
    end.isClosed = true;
    this.#realms.get(end.realm)?.delete(end);
    const ends = this.#names.get(end.name);
    ends?.delete(end);
    if (ends?.size === 0) this.#names.delete(end.name);
  }

  #post(end: OpenEnd, message: unknown): void {
    if (end.isClosed) return;
    const copy = clone(message);
    const { realm, name } = end;
    if (!realm.emits()) return;
    const { now } = realm.kernel;
    this.observer.posted(end, message);
    for (const other of this.#names.get(name) ?? []) {
      if (other === end) continue;
      const delayMs = this.#random.between(simLimits.portMsMin, simLimits.portMsMax);
      const at = Math.max(now + delayMs, other.lastAt.get(end) ?? 0);
      other.lastAt.set(end, at);
      other.realm.receive(realm, at, other, () => {
        if (other.isClosed) return;
        this.observer.heard(other, copy);
        other.heard(copy);
      });
    }
  }
}
