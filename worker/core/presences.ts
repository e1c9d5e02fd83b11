import { errorData, queueFull, type ErrorData } from '../../src/protocol/errors.ts';
import * as protocolLimits from '../../src/protocol/limits.ts';
import type { ServerMessage } from '../../src/protocol/schema.ts';
import type { Member } from './news-types.ts';
import * as coreLimits from './limits.ts';
import type { Tab } from './tab-types.ts';

/** A presence list as one tab follows it. */
interface Watcher {
  readonly tab: Tab;
  readonly watch: number;
  readonly room: Room;
  /** Changes were left out, because the tab takes nothing: it gets the list again. */
  isBehind: boolean;
}

/** Who is in one topic, asked once at the server for all tabs. */
interface Room {
  readonly topic: string;
  readonly watchers: Set<Watcher>;
  /** By identity. */
  members: Map<string, Member>;
  count: number;
  /** Whether this hub has given a list, or a tab has one of an earlier hub: the next one must have no holes. */
  resumes: boolean;
  /** `resumes`: how it was asked. A server that has just started answers only such a request when others are back. */
  wire:
    | { readonly state: 'wanted' }
    | { readonly state: 'asked'; readonly id: string; readonly resumes: boolean }
    | { readonly state: 'live'; readonly resumes: boolean };
}

/** Something to say to the server about who is where. */
export type PresenceRequest =
  | { readonly kind: 'watch'; readonly id: string; readonly topic: string; readonly resumes: boolean }
  | { readonly kind: 'unwatch'; readonly topic: string };

/** The presence lists that the tabs follow. Tabs tell joins and leaves from lists and changes themselves. */
export class Presences {
  readonly #rooms = new Map<string, Room>();
  readonly #byTab = new Map<string, Map<number, Watcher>>();
  #count = 0;

  get size(): number {
    return this.#rooms.size;
  }

  /** A tab wants to know; it hears at once what the hub knows. Gives the error if a bound is reached. */
  watch(
    tab: Tab,
    { watch, topic, resumes }: { watch: number; topic: string; resumes: boolean },
  ): ErrorData | undefined {
    const own = this.#byTab.get(tab.id) ?? new Map<number, Watcher>();
    if (own.has(watch)) return undefined;
    if (own.size >= coreLimits.watchesPerTab) return queueFull('presence lists');
    const room = this.#rooms.get(topic) ?? this.#add(topic);
    if (!room) return queueFull('presence lists');
    if (resumes) makeSure(room);
    const watcher: Watcher = { tab, watch, room, isBehind: false };
    own.set(watch, watcher);
    this.#byTab.set(tab.id, own);
    room.watchers.add(watcher);
    if (room.wire.state === 'live') tellList(watcher);
    return undefined;
  }

  /** A tab does not want to know any more. The last one of a topic ends it at the server. */
  unwatch(tab: Tab, watch: number): PresenceRequest[] {
    const own = this.#byTab.get(tab.id);
    const watcher = own?.get(watch);
    if (!own || !watcher) return [];
    own.delete(watch);
    if (own.size === 0) this.#byTab.delete(tab.id);
    const { room } = watcher;
    room.watchers.delete(watcher);
    if (room.watchers.size > 0) return [];
    this.#rooms.delete(room.topic);
    return [{ kind: 'unwatch', topic: room.topic }];
  }

  dropTab(tab: Tab): PresenceRequest[] {
    const own = this.#byTab.get(tab.id) ?? new Map<number, Watcher>();
    return [...own.keys()].flatMap((watch) => this.unwatch(tab, watch));
  }

  /** What must be asked of the server now that a session is open. */
  ask(): PresenceRequest[] {
    const requests: PresenceRequest[] = [];
    for (const room of this.#rooms.values()) {
      if (room.wire.state !== 'wanted') continue;
      const id = `w${(this.#count += 1)}`;
      const { topic, resumes } = room;
      room.wire = { state: 'asked', id, resumes };
      requests.push({ kind: 'watch', id, topic, resumes });
    }
    return requests;
  }

  /** The session is gone: every list is wanted again. Until then the tabs keep the one that they have. */
  sessionLost(): void {
    for (const room of this.#rooms.values()) room.wire = { state: 'wanted' };
  }

  /** The server says who is there. */
  list({ re, topic, payload }: ServerMessage<'presence'>): void {
    const room = this.#rooms.get(topic);
    const isMeant = re === undefined ? room?.wire.state === 'live' : isAnswer(room, re);
    if (!room || !isMeant) return;
    if (room.wire.state === 'asked') room.wire = { state: 'live', resumes: room.wire.resumes };
    room.resumes = true;
    room.members = new Map(payload.members.map((member) => [member.identity, member]));
    room.count = payload.count;
    for (const watcher of room.watchers) tellList(watcher);
  }

  /** Somebody came or went. */
  change({ topic, payload: { joined, left, named, count } }: ServerMessage<'presence-change'>): void {
    const room = this.#rooms.get(topic);
    if (room?.wire.state !== 'live') return;
    const { members } = room;
    if (left) members.delete(left.identity);
    for (const member of [joined, named]) {
      if (member && members.size < protocolLimits.members) members.set(member.identity, member);
    }
    room.count = count;
    for (const watcher of room.watchers) {
      const { tab, watch } = watcher;
      if (isFull(tab)) watcher.isBehind = true;
      else if (!watcher.isBehind)
        tab.answers.push({ kind: 'presence-change', watch, joined, left, named, count });
    }
  }

  /** The tab takes batches again: it gets the lists that it has missed changes of. */
  catchUp(tab: Tab): void {
    for (const watcher of this.#byTab.get(tab.id)?.values() ?? []) if (watcher.isBehind) tellList(watcher);
  }

  /** The server refused a list. */
  refused(re: string, error: ErrorData): void {
    for (const room of this.#rooms.values()) if (isAnswer(room, re)) this.#end(room, error);
  }

  /** The server ends a list. */
  revoked(topic: string, reason: string): void {
    const room = this.#rooms.get(topic);
    if (room?.wire.state === 'live') this.#end(room, errorData('forbidden', reason, { detail: 'revoked' }));
  }

  #end({ watchers }: Room, error: ErrorData): void {
    for (const { tab, watch } of watchers) {
      this.unwatch(tab, watch);
      tab.answers.push({ kind: 'presence-ended', watch, error });
    }
  }

  #add(topic: string): Room | undefined {
    if (this.#rooms.size >= coreLimits.watches) return undefined;
    const room: Room = {
      topic,
      watchers: new Set(),
      members: new Map(),
      count: 0,
      resumes: false,
      wire: { state: 'wanted' },
    };
    this.#rooms.set(topic, room);
    return room;
  }
}

/**
 * A tab that has a list of an earlier hub would take what is missing from the next one for leaves. It loses nothing by
 * waiting for one that is sure; what was asked before, or answered, may not be.
 */
function makeSure(room: Room): void {
  room.resumes = true;
  if (room.wire.state !== 'wanted' && !room.wire.resumes) room.wire = { state: 'wanted' };
}

const isAnswer = (room: Room | undefined, re: string): boolean =>
  room?.wire.state === 'asked' && room.wire.id === re;

/** Whether so much waits for a tab that news without a promise behind them are left out. */
export const isFull = (tab: Tab): boolean => tab.answers.length >= coreLimits.waitingNews;

function tellList(watcher: Watcher): void {
  const { tab, watch, room } = watcher;
  watcher.isBehind = isFull(tab);
  if (watcher.isBehind) return;
  tab.answers.push({ kind: 'presence', watch, members: [...room.members.values()], count: room.count });
}
