import { randomUUID } from 'node:crypto';
import { pino } from 'pino';
import { systemClock, type Clock } from './clock.ts';
import type { ServerContext } from './context.ts';
import { FlushScheduler } from './flush-scheduler.ts';
import { MemoryBackbone } from './memory-backbone.ts';
import { resolveOptions, type ServerOptions } from './options.ts';
import { newStats } from './stats.ts';
import { TopicFeeds } from './topic-feeds.ts';

/** Where time and random ids come from. A simulation has its own. */
export interface Surroundings {
  readonly clock: Clock;
  readonly randomId: () => string;
}

/** The machine's clock, and random UUIDs. */
export const systemSurroundings: Surroundings = { clock: systemClock, randomId: randomUUID };

/** Makes what all sessions of a server share; throws `invalid-option`. */
export function createContext(options: ServerOptions, { clock, randomId }: Surroundings): ServerContext {
  const { hooks, limits, heartbeatMs } = resolveOptions(options);
  const stats = newStats();
  const scheduler = new FlushScheduler(clock);
  const backbone = options.backbone ?? new MemoryBackbone({ limits, clock, randomId });
  return {
    hooks,
    limits,
    heartbeatMs,
    clock,
    randomId,
    logger: options.logger ?? pino({ name: 'onesocket', level: 'info' }),
    stats,
    backbone,
    feeds: new TopicFeeds(backbone, scheduler, stats, limits.batchBytes),
    scheduler,
    sessions: new Map(),
  };
}
