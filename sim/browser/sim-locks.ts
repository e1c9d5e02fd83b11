import type { Locks } from '../../worker/locks.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { Random } from '../kernel/random.ts';
import type { Realm } from '../kernel/realm.ts';
import * as simLimits from '../limits.ts';

interface Request {
  readonly realm: Realm;
  readonly isShared: boolean;
  readonly granted: () => void;
  /** Tells the holder, if it wants to hear of it, that the lock was taken away. */
  readonly stolen: () => void;
  /** When it was asked for, or given. */
  heldSince: number;
}

/** Who holds a lock, and since when. */
export interface LockHolder {
  readonly realm: Realm;
  readonly heldSince: number;
}

/** What is asked for. */
interface Wish {
  readonly isShared?: boolean;
  readonly isSteal?: boolean;
  readonly granted: () => void;
  readonly lost?: () => void;
}

interface Line {
  readonly held: Set<Request>;
  readonly waiting: Request[];
}

/** The Web Locks of one origin: exclusive and shared, first come first served, released some time after a death. */
export class SimLocks {
  readonly #kernel: Kernel;
  readonly #random: Random;
  readonly #lines = new Map<string, Line>();
  readonly #realms = new Map<Realm, Set<() => void>>();

  constructor(kernel: Kernel, random: Random) {
    this.#kernel = kernel;
    this.#random = random;
  }

  /** Somebody steals a lock from those who hold it. */
  stealing: (thief: Realm, name: string, holders: readonly LockHolder[]) => void = () => {};

  /** Who holds which lock, for whoever looks whether all were released. */
  get held(): readonly (LockHolder & { readonly name: string })[] {
    return [...this.#lines].flatMap(([name, { held }]) =>
      [...held].map(({ realm, heldSince }) => ({ name, realm, heldSince })),
    );
  }

  /** Who wants to hold a lock, and since when. */
  wanted(name: string): readonly { readonly realm: Realm; readonly sinceMs: number }[] {
    const waiting = this.#lines.get(name)?.waiting.filter(({ isShared }) => !isShared) ?? [];
    return waiting.map(({ realm, heldSince }) => ({ realm, sinceMs: heldSince }));
  }

  /** Names of the locks that a realm waits to be free. */
  awaited(by: Realm): readonly string[] {
    const isAwaited = ({ waiting }: Line) => waiting.some(({ realm, isShared }) => isShared && realm === by);
    return [...this.#lines].filter(([, line]) => isAwaited(line)).map(([name]) => name);
  }

  /** The browser takes a lock away from its holder. */
  steal(name: string): void {
    const line = this.#lines.get(name);
    if (!line) return;
    this.#kernel.timeline.add('locks', `${name} is taken away`);
    this.#kernel.changedAt = this.#kernel.now;
    this.#clear(line);
    this.#grant(name, line);
  }

  /** The locks as one realm has them. */
  of(realm: Realm): Locks {
    return {
      hold: (name) =>
        new Promise((resolve) => {
          const end = this.#request(realm, name, { granted: () => resolve(end) });
        }),
      whenFree: (name, onFree) => {
        let isEnded = false;
        const granted = () => {
          end();
          if (!isEnded) onFree();
        };
        const end = this.#request(realm, name, { isShared: true, granted });
        return () => {
          isEnded = true;
          end();
        };
      },
      compete: (name, { taken, lost }, isSteal = false) => {
        let hasLeft = false;
        const end = this.#request(realm, name, {
          isSteal,
          granted: () => hasLeft || taken(),
          lost: () => hasLeft || lost(),
        });
        return () => {
          hasLeft = true;
          end();
        };
      },
    };
  }

  /** Asks for a lock. Returns the function that releases it, or leaves the line. */
  #request(realm: Realm, name: string, { isShared = false, isSteal = false, ...told }: Wish): () => void {
    if (!realm.emits()) return () => {};
    // Whoever loses a lock has been told before that it is held.
    let toldAt = 0;
    const tell = (run: () => void) => {
      const { now } = this.#kernel;
      toldAt = Math.max(toldAt, now + this.#random.between(0, simLimits.lockMsMax));
      realm.after(toldAt - now, run);
    };
    const granted = () => tell(told.granted);
    const stolen = () => told.lost && tell(told.lost);
    const request: Request = { realm, isShared, granted, stolen, heldSince: this.#kernel.now };
    const line = this.#lines.get(name) ?? { held: new Set(), waiting: [] };
    this.#lines.set(name, line);
    const end = () => {
      if (!isShared && line.held.has(request)) this.#kernel.timeline.add(realm.name, 'releases', name);
      this.#ends(realm).delete(end);
      line.held.delete(request);
      const index = line.waiting.indexOf(request);
      if (index >= 0) line.waiting.splice(index, 1);
      this.#grant(name, line);
    };
    this.#ends(realm).add(end);
    if (isSteal) {
      this.#kernel.timeline.add(realm.name, 'steals', name);
      this.stealing(realm, name, [...line.held]);
      this.#clear(line);
      line.waiting.unshift(request);
    } else line.waiting.push(request);
    this.#grant(name, line);
    return () => {
      if (realm.emits()) end();
    };
  }

  /** Nobody of those who hold it does any more. */
  #clear({ held }: Line): void {
    for (const { stolen } of held) stolen();
    held.clear();
  }

  #grant(name: string, line: Line): void {
    const { held, waiting } = line;
    for (let first = waiting[0]; first; first = waiting[0]) {
      const isFree = held.size === 0 || (first.isShared && [...held].every(({ isShared }) => isShared));
      if (!isFree) return;
      waiting.shift();
      held.add(first);
      first.heldSince = this.#kernel.now;
      this.#kernel.timeline.add(first.realm.name, first.isShared ? 'is told of' : 'holds', name);
      first.granted();
    }
    if (held.size === 0 && this.#lines.get(name) === line) this.#lines.delete(name);
  }

  /** What a death releases, all of it some milliseconds later. */
  #ends(realm: Realm): Set<() => void> {
    let ends = this.#realms.get(realm);
    if (!ends) {
      this.#realms.set(realm, (ends = new Set()));
      realm.onDeath(() => {
        const delayMs = this.#random.between(simLimits.deathMsMin, simLimits.deathMsMax);
        this.#kernel.schedule(delayMs, () => {
          for (const end of this.#realms.get(realm) ?? []) end();
          this.#realms.delete(realm);
        });
      });
    }
    return ends;
  }
}
