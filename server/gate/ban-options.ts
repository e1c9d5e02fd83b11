import { isRecord } from '../../src/protocol/field.ts';
import { invalid } from '../invalid.ts';
import * as serverLimits from '../limits.ts';
import type { MaybePromise } from '../maybe-promise.ts';
import { addressKey } from './address.ts';
import type { Ban, BanTarget } from './bans.ts';

/**
 * Lets bans outlive the process: the server tells of each, and begins with those that it is given. Counts of violations
 * begin anew.
 *
 * @example
 * createServer({
 *   bans: {
 *     known: await store.bans(),
 *     onBan: (ban) => store.addBan(ban),
 *     onUnban: ({ kind, value }) => store.removeBan(kind, value),
 *   },
 * });
 */
export interface BanOptions {
  /** Bans to begin with, as `onBan` gave them. Those that have ended are left out; `limits.bans` holds. Default: none. */
  readonly known?: readonly Ban[];
  /** Somebody was banned, for violations or by an operator; in place of an earlier ban of the same target. The ban holds whatever this does: a failure is logged. */
  readonly onBan?: (ban: Ban) => MaybePromise<void>;
  /** An operator has lifted a ban. Nobody is told of those that end by themselves. */
  readonly onUnban?: (target: BanTarget) => MaybePromise<void>;
}

/** Checks the option `bans`; throws a `ConnectionError` with the code `invalid-option`. */
export function checkBans(given: BanOptions = {}): BanOptions {
  if (!isRecord(given)) throw invalid('bans must be an object');
  const { known = [], onBan, onUnban, ...others }: BanOptions = given;
  const [unknown] = Object.keys(others);
  if (unknown) throw invalid(`unknown option bans.${unknown}`);
  for (const [name, hook] of Object.entries({ onBan, onUnban })) {
    if (hook !== undefined && typeof hook !== 'function') throw invalid(`bans.${name} must be a function`);
  }
  if (!Array.isArray(known) || !known.every(isBan))
    throw invalid('bans.known must be a list of bans as onBan gives them');
  return { ...given, known };
}

function isBan(given: unknown): given is Ban {
  if (!isRecord(given)) return false;
  const { kind, value, until, reason, by } = given;
  if (typeof value !== 'string' || value === '' || typeof reason !== 'string') return false;
  const isTarget = kind === 'identity' || (kind === 'address' && isAddressKey(value));
  const isReason = reason !== '' && reason.length <= serverLimits.banReasonLength;
  return isTarget && isReason && Number.isSafeInteger(until) && (by === 'strikes' || by === 'admin');
}

/** Whether it is written as addresses are counted by: another form of the same address would ban nobody. */
const isAddressKey = (value: string): boolean => addressKey(value.replace(/\/64$/, '')) === value;
