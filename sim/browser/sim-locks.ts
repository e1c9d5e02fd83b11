import type { Locks } from '../../worker/locks.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { Random } from '../kernel/random.ts';
import type { Realm } from '../kernel/realm.ts';
import * as simLimits from '../limits.ts';

interface Request {
  readonly realm: Realm;
  readonly isShared: boolean;
  readonly granted: () => void;
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

  /** Names that are held, for whoever looks whether all were released. */
  get held(): string[] {
    return [...this.#lines].filter(([, { held }]) => held.size > 0).map(([name]) => name);
  }

  /** Takes a lock away from its holder, who does not notice. */
  steal(name: string): void {
    const line = this.#lines.get(name);
    if (!line) return;
    this.#kernel.timeline.add('locks', `${name} is stolen`);
    line.held.clear();
    this.#grant(name, line);
  }

  /** The locks as one realm has them. */
  of(realm: Realm): Locks {
    return {
      hold: (name) =>
        new Promise((resolve) => {
          const end = this.#request(realm, name, false, () => resolve(end));
        }),
      whenFree: (name, onFree) => {
        let isEnded = false;
        const end = this.#request(realm, name, true, () => {
          end();
          if (!isEnded) onFree();
        });
        return () => {
          isEnded = true;
          end();
        };
      },
    };
  }

  /** Asks for a lock. Returns the function that releases it, or leaves the line. */
  #request(realm: Realm, name: string, isShared: boolean, onGranted: () => void): () => void {
    if (!realm.emits()) return () => {};
    const granted = () => void realm.after(this.#random.between(0, simLimits.lockMsMax), onGranted);
    const request: Request = { realm, isShared, granted };
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
    line.waiting.push(request);
    this.#grant(name, line);
    return () => {
      if (realm.emits()) end();
    };
  }

  #grant(name: string, line: Line): void {
    const { held, waiting } = line;
    for (let first = waiting[0]; first; first = waiting[0]) {
      const isFree = held.size === 0 || (first.isShared && [...held].every(({ isShared }) => isShared));
      if (!isFree) return;
      waiting.shift();
      held.add(first);
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
