import type { IncomingMessage } from 'node:http';
import { anonymousName } from '../anonymous.ts';
import type { Clock } from '../clock.ts';
import type { ServerLimits } from '../limits.ts';
import * as serverLimits from '../limits.ts';
import { settle, type MaybePromise } from '../maybe-promise.ts';
import { addressKey, type TrustedProxies } from './address.ts';
import type { BanOptions } from './ban-options.ts';
import { Bans, type Ban, type BanTarget } from './bans.ts';
import { ExpiringMap } from './expiring-map.ts';
import type { LimitHits, LimitName } from './limit-hits.ts';
import { ratesOf, type ConnectionRates } from './rates.ts';
import { Strikes } from './strikes.ts';
import { Tally } from './tally.ts';
import { TokenBucket } from './token-bucket.ts';

/** What a gatekeeper needs of its server. */
export interface GatekeeperOwner {
  readonly clock: Clock;
  readonly limits: ServerLimits;
  readonly limitHits: LimitHits;
  readonly origins: ReadonlySet<string> | undefined;
  readonly trustedProxies: TrustedProxies;
  readonly bans: BanOptions;
}

/** What comes of an upgrade request: an address to count it by, or an HTTP status. */
export type Admission =
  | { readonly kind: 'admitted'; readonly address: string | undefined; readonly key: string | undefined }
  | { readonly kind: 'refused'; readonly status: 403 | 429 | 503; readonly retryAfterS: number | undefined };

/** Who may not take a seat, and why. */
export type SeatRefusal = { readonly kind: 'banned'; readonly ban: Ban } | { readonly kind: 'full' };

/** Whether the server takes anybody at all. */
export type Doors = 'open' | 'draining' | 'closing';

/** Decides who may connect: before the upgrade by address, after authentication by identity. It knows no sockets. */
export class Gatekeeper {
  readonly #owner: GatekeeperOwner;
  readonly #attempts: ExpiringMap<TokenBucket>;
  readonly #byAddress = new Tally();
  readonly #byIdentity = new Tally();
  readonly #bans: Bans;
  readonly #strikes: Strikes;
  /** What one connection may send, shared by all. */
  readonly rates: ConnectionRates;
  doors: Doors = 'open';
  /** Somebody was banned. */
  banned: ((ban: Ban) => void) | undefined;
  #warnedOfProxy = false;

  constructor(owner: GatekeeperOwner) {
    const { limits, bans } = owner;
    this.#owner = owner;
    this.rates = ratesOf(limits);
    this.#bans = new Bans(limits.bans);
    const now = owner.clock.now();
    for (const ban of bans.known ?? []) if (ban.until > now) this.#bans.add(ban, now);
    this.#strikes = new Strikes(limits);
    // After this time a bucket is full again, and need not be remembered.
    const ttlMs = Math.ceil((limits.upgradeBurst * 60_000) / limits.upgradesPerMinute);
    this.#attempts = new ExpiringMap({ maxEntries: limits.addresses, ttlMs });
  }

  /** Decides on an upgrade request. `connections` is how many there are. */
  admit(request: IncomingMessage, connections: number, isOverloaded: boolean): Admission {
    const { limits, clock, origins } = this.#owner;
    const now = clock.now();
    const address = this.addressOf(request);
    const key = addressKey(address);
    const ban = key === undefined ? undefined : this.#bans.find({ kind: 'address', value: key }, now);
    if (ban) return this.#refuse('banned', 403, { address }, secondsUntil(ban.until, now));
    const waitMs = key === undefined ? 0 : this.#attempt(key);
    if (waitMs > 0) return this.#refuse('upgrades', 429, { address }, secondsUntil(now + waitMs, now));
    const { origin } = request.headers;
    if (origins && !origins.has(origin ?? '')) return this.#refuse('origin', 403, { address, origin });
    const { retryAfterS } = serverLimits;
    if (this.doors !== 'open') return this.#refuse('draining', 503, { address }, retryAfterS);
    if (isOverloaded) return this.#refuse('overload', 503, { address, connections }, retryAfterS);
    if (connections >= limits.connections)
      return this.#refuse('connections', 503, { address, connections }, retryAfterS);
    if (key !== undefined && this.#byAddress.count(key) >= limits.connectionsPerAddress)
      return this.#refuse('connections-per-address', 429, { address }, retryAfterS);
    return { kind: 'admitted', address, key };
  }

  /** The client's address, as far as it can be known. */
  addressOf({ socket, headers }: IncomingMessage): string | undefined {
    const peer = socket.remoteAddress;
    const forwardedFor = headers['x-forwarded-for'];
    const text = Array.isArray(forwardedFor) ? forwardedFor.join(',') : forwardedFor;
    const { trustedProxies } = this.#owner;
    if (text !== undefined && !this.#warnedOfProxy && !trustedProxies.trusts(peer)) this.#warnOfProxy(peer);
    return trustedProxies.clientAddress(peer, text);
  }

  /** A connection was accepted. */
  entered(key: string | undefined): void {
    if (key !== undefined) this.#byAddress.add(key);
  }

  /** A connection that had been accepted is gone. */
  left(key: string | undefined): void {
    if (key !== undefined) this.#byAddress.remove(key);
  }

  /**
   * Gives a seat to an identity that has proved itself, or says why not. Who is anonymous has no identity that
   * anybody could be counted by.
   *
   * @param replaces - Whether an open connection makes room for this one.
   */
  takeSeat(identity: string, replaces: boolean): SeatRefusal | undefined {
    if (identity === anonymousName) return undefined;
    const { limits, clock, limitHits } = this.#owner;
    const ban = this.#bans.find({ kind: 'identity', value: identity }, clock.now());
    if (ban) {
      limitHits.hit('banned', { identity });
      return { kind: 'banned', ban };
    }
    if (this.#byIdentity.count(identity) - (replaces ? 1 : 0) >= limits.connectionsPerIdentity) {
      limitHits.hit('connections-per-identity', { identity });
      return { kind: 'full' };
    }
    this.#byIdentity.add(identity);
    return undefined;
  }

  /** Gives a seat back that was taken. */
  leaveSeat(identity: string): void {
    if (identity !== anonymousName) this.#byIdentity.remove(identity);
  }

  /** Counts a violation for address and identity. True where one of the two is banned for it. */
  strike(
    { address, identity }: { readonly address: string | undefined; readonly identity: string | undefined },
    points: number,
    reason: string,
  ): boolean {
    const { clock, limits, limitHits } = this.#owner;
    const now = clock.now();
    let isBanned = false;
    for (const target of targetsOf(address, identity)) {
      if (!this.#strikes.add(`${target.kind} ${target.value}`, points, now)) continue;
      isBanned = true;
      limitHits.hit('strikes', { ...target, reason });
      this.ban({ ...target, until: now + limits.banMs, reason, by: 'strikes' });
    }
    return isBanned;
  }

  /** Keeps somebody out. */
  ban(ban: Ban): void {
    this.#bans.add(ban, this.#owner.clock.now());
    this.banned?.(ban);
    this.#tell(() => this.#owner.bans.onBan?.(ban));
  }

  /** Lifts a ban; false where there is none. */
  unban(target: BanTarget): boolean {
    const isLifted = this.#bans.lift(target);
    if (isLifted) this.#tell(() => this.#owner.bans.onUnban?.(target));
    return isLifted;
  }

  /** Who is banned. */
  bans(): Ban[] {
    return this.#bans.list(this.#owner.clock.now());
  }

  /** Entries of all its maps, for a test of their bounds. */
  get sizes(): { readonly [map: string]: number } {
    return {
      attempts: this.#attempts.size,
      addresses: this.#byAddress.size,
      identities: this.#byIdentity.size,
      bans: this.#bans.size,
      strikes: this.#strikes.size,
    };
  }

  /** Tells the app, whose failure changes nothing here. */
  #tell(call: () => MaybePromise<void>): void {
    const failed = (err: unknown) => this.#owner.limitHits.warn({ err }, 'a hook of bans failed');
    try {
      settle(call(), () => undefined, failed);
    } catch (reason) {
      failed(reason);
    }
  }

  #attempt(key: string): number {
    const { clock, limits } = this.#owner;
    const now = clock.uptime();
    const { upgradesPerMinute, upgradeBurst: burst } = limits;
    const perSecond = upgradesPerMinute / 60;
    return this.#attempts.touch(key, now, () => new TokenBucket({ perSecond, burst })).tryTake(1, now);
  }

  #refuse(limit: LimitName, status: 403 | 429 | 503, fields: object, retryAfterS?: number): Admission {
    this.#owner.limitHits.hit(limit, fields);
    return { kind: 'refused', status, retryAfterS };
  }

  #warnOfProxy(peer: string | undefined): void {
    this.#warnedOfProxy = true;
    this.#owner.limitHits.warn(
      { peer },
      'X-Forwarded-For is ignored: its sender is none of trustedProxies, so all that comes through it counts as one client',
    );
  }
}

function targetsOf(address: string | undefined, identity: string | undefined): BanTarget[] {
  const targets: BanTarget[] = [];
  if (address !== undefined) targets.push({ kind: 'address', value: address });
  if (identity !== undefined && identity !== anonymousName)
    targets.push({ kind: 'identity', value: identity });
  return targets;
}

const secondsUntil = (at: number, now: number): number => Math.max(1, Math.ceil((at - now) / 1000));
