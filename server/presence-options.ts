import { isRecord } from '../src/protocol/field.ts';
import { fitsUtf8 } from '../src/protocol/utf8.ts';
import * as protocolLimits from '../src/protocol/limits.ts';
import { timerMsMax, type Clock } from './clock.ts';
import * as serverLimits from './limits.ts';
import { MemoryPresence } from './memory-presence.ts';
import { checkInteger, invalid } from './invalid.ts';
import type { PresenceStore } from './presence.ts';
import type { ServerStats } from './stats.ts';
import { topicPattern } from './topic-pattern.ts';

/** Options of presence. */
export interface PresenceOptions {
  /** Milliseconds that somebody stays there after the last subscription of theirs has ended. Default 10,000. */
  readonly graceMs?: number;
  /** Patterns of the topics whose presence is kept, such as `room:*`. Default: all topics. */
  readonly topics?: readonly string[];
}

/** Presence as the sessions of a server see it. */
export interface Presence {
  readonly store: PresenceStore;
  /** When those who were there before a restart of the server have come back, or are gone. */
  readonly settledAt: number;
  isKept(topic: string): boolean;
}

/** Makes the presence of a server; undefined where it keeps none. Throws `invalid-option`. */
export function createPresence(
  options: PresenceOptions | undefined,
  clock: Clock,
  limits: serverLimits.ServerLimits,
  stats: ServerStats,
): Presence | undefined {
  if (options === undefined) return undefined;
  if (!isRecord(options)) throw invalid('presence must be an object');
  const { graceMs = serverLimits.presenceGraceMsDefault, topics = ['**'] } = options as PresenceOptions;
  checkInteger('presence.graceMs', graceMs, timerMsMax);
  if (!Array.isArray(topics)) throw invalid('presence.topics must be a list of patterns');
  const patterns = topics.map(topicPattern);
  return {
    store: new MemoryPresence({ clock, limits, stats, graceMs }),
    settledAt: clock.now() + graceMs,
    isKept: (topic) => patterns.some((pattern) => pattern.matches(topic, '')),
  };
}

/** Whether the app may make this public of somebody. */
export function isMemberInfo(info: unknown): boolean {
  if (info === undefined) return true;
  try {
    return fitsUtf8(JSON.stringify(info), protocolLimits.memberInfoBytes);
  } catch {
    return false;
  }
}
