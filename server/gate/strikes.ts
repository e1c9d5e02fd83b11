import * as closeCodes from '../../src/protocol/close-codes.ts';
import { ExpiringMap } from './expiring-map.ts';

/**
 * Points that a close with this code is worth. Only what a peer has sent counts, and only what no correct hub sends:
 * silence can be the network's or our own, and a token that is refused can be that of a verifier that is out of order.
 */
const pointsByCode: ReadonlyMap<number, number> = new Map([
  [closeCodes.protocolError, 2],
  [closeCodes.invalidPayload, 2],
  [closeCodes.policyViolation, 2],
  [closeCodes.tooBig, 1],
  [closeCodes.malformedFrame, 2],
  [closeCodes.unexpected, 1],
  [closeCodes.limitExceeded, 2],
]);

/** Points of a flood: of each `floodMs` that a client keeps sending more than its share. */
export const floodPoints = 2;

/** Points that a close with this code is worth; 0 for none. */
export const pointsOf = (code: number): number => pointsByCode.get(code) ?? 0;

/** When strikes become a ban. */
export interface StrikeBounds {
  /** Points at which a client is out. */
  readonly strikes: number;
  /** Milliseconds in which one point is forgiven. */
  readonly strikeDecayMs: number;
  /** Clients that are remembered. */
  readonly addresses: number;
}

interface Score {
  points: number;
  at: number;
}

/** Remembers violations by key; each fades with time. Time is an input. */
export class Strikes {
  readonly #bounds: StrikeBounds;
  readonly #scores: ExpiringMap<Score>;

  constructor(bounds: StrikeBounds) {
    this.#bounds = bounds;
    const ttlMs = bounds.strikes * bounds.strikeDecayMs;
    this.#scores = new ExpiringMap({ maxEntries: bounds.addresses, ttlMs });
  }

  get size(): number {
    return this.#scores.size;
  }

  /** Adds points; true where they are too many, and then they count from zero again. */
  add(key: string, points: number, now: number): boolean {
    const score = this.#scores.touch(key, now, () => ({ points: 0, at: now }));
    const { strikeDecayMs } = this.#bounds;
    const forgiven = Math.floor(Math.max(0, now - score.at) / strikeDecayMs);
    score.points = Math.max(0, score.points - forgiven) + points;
    score.at = Math.min(now, score.at + forgiven * strikeDecayMs);
    if (score.points < this.#bounds.strikes) return false;
    this.#scores.delete(key);
    return true;
  }
}
