import type { Call } from '../../worker/channel.ts';
import * as workerLimits from '../../worker/limits.ts';
import { hubLock } from '../../worker/names.ts';
import type { ChannelEnd, ChannelObserver } from '../browser/sim-channels.ts';
import type { LockHolder, SimLocks } from '../browser/sim-locks.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { Realm } from '../kernel/realm.ts';
import * as simLimits from '../limits.ts';
import { must } from './violation.ts';

/** Who may be the hub, and who may take that from whom. */
export class Election implements ChannelObserver {
  readonly #kernel: Kernel;
  /** Questions that an end has asked without an answer. */
  readonly #pings = new WeakMap<ChannelEnd, number>();
  /** The ends by which a realm has asked. */
  readonly #asked = new WeakMap<Realm, Set<ChannelEnd>>();
  /** When somebody stole who asked by this end: a candidate keeps it for as long as it stands. */
  readonly #stoleAt = new WeakMap<ChannelEnd, number>();
  /** By which the last question came, for all others leave the matter to whoever asks; null once it is of no use. */
  #lastAsker: ChannelEnd | null = null;
  /** When an asker was found frozen, dead or gone last: whoever asks next begins anew. */
  #askerLostAt = -Infinity;
  /** When somebody stole last. */
  lastStealAt = -Infinity;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  opened({ realm }: ChannelEnd, count: number): void {
    this.#kernel.guarded(() =>
      must(count <= simLimits.channelsMax, 'channels are bounded', () => `${realm.name} has ${count} open`),
    );
  }

  posted(end: ChannelEnd, message: unknown): void {
    const { kind } = message as Partial<Call>;
    if (kind) this.#kernel.timeline.add(end.realm.name, `says ${kind}`, message);
    if (kind !== 'ping') return;
    this.#pings.set(end, (this.#pings.get(end) ?? 0) + 1);
    this.#missAsker();
    this.#lastAsker = end;
    const ends = this.#asked.get(end.realm) ?? new Set();
    this.#asked.set(end.realm, ends.add(end));
  }

  heard(end: ChannelEnd, message: unknown): void {
    if ((message as Partial<Call>).kind === 'up') this.#pings.set(end, 0);
  }

  readonly stealing = (thief: Realm, name: string, holders: readonly LockHolder[]): void => {
    const { now } = this.#kernel;
    const ends = [...(this.#asked.get(thief) ?? [])].filter(({ isClosed }) => !isClosed);
    const pings = Math.max(0, ...ends.map((end) => this.#pings.get(end) ?? 0));
    const beforeMs = now - Math.max(...ends.map((end) => this.#stoleAt.get(end) ?? -Infinity));
    for (const end of ends) this.#stoleAt.set(end, now);
    this.lastStealAt = this.#kernel.changedAt = now;
    this.#kernel.guarded(() => {
      must(pings >= workerLimits.pingsMax, 'who steals has asked before', () => {
        return `${thief.name} steals ${name} after ${pings} questions`;
      });
      must(beforeMs >= workerLimits.stealAgainMs - 1, 'steals are rare', () => {
        return `${thief.name} steals ${name} again after ${beforeMs.toFixed(0)} ms`;
      });
      for (const { realm, heldSince } of holders) {
        const since = Math.max(heldSince, realm.thawedAt);
        const isAwake = !realm.isFrozen && !realm.isDead && now - since > simLimits.answerMsMax;
        // A page whose engine has died before it answered waits for that in vain.
        must(!isAwake || realm.childDiedAt >= since, 'nobody steals from who answers', () => {
          return `${thief.name} steals ${name} from ${realm.name}, which runs since ${since.toFixed(1)}`;
        });
      }
    });
  };

  /** Whoever could take the lock from a hub that is frozen does so before long, if it has not done so lately. */
  look(locks: SimLocks, hubName: string): void {
    const name = hubLock(hubName);
    const { now } = this.#kernel;
    this.#missAsker();
    const holder = locks.held.find((each) => each.name === name);
    if (!holder?.realm.isFrozen || now - this.lastStealAt < simLimits.stealPauseMs) return;
    for (const { realm, sinceMs } of locks.wanted(name)) {
      const begins = [sinceMs, realm.thawedAt, holder.heldSince, holder.realm.frozenAt, this.#askerLostAt];
      const forMs = now - Math.max(...begins);
      // What has died leaves the line a moment later.
      const isIdle = realm.isFrozen || realm.isDead;
      must(isIdle || forMs < simLimits.stealMsMax, 'a frozen hub is replaced', () => {
        return `${realm.name} waits for ${holder.realm.name} since ${forMs.toFixed(0)} ms`;
      });
    }
  }

  #missAsker(): void {
    const asker = this.#lastAsker;
    if (!asker || !(asker.isClosed || asker.realm.isFrozen || asker.realm.isDead)) return;
    this.#lastAsker = null;
    this.#askerLostAt = this.#kernel.now;
  }

  /** Nobody holds or waits for anything who should not, once all is at rest. */
  atRest(hubName: string, held: readonly (LockHolder & { readonly name: string })[]): void {
    for (const { name, realm } of held) {
      must(!realm.isDead && !realm.isCached && !realm.isFrozen, 'locks are held by who runs', () => {
        return `${realm.name} holds ${name}`;
      });
    }
    const hubs = held.filter(({ name }) => name === hubLock(hubName));
    must(hubs.length === 1, 'there is one hub', () => `${hubs.length} hold the hub's lock`);
  }
}
