import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import * as simLimits from './limits.ts';

/** What `npm run sim` was asked to do. */
export interface SimArguments {
  readonly from: number;
  readonly seeds: number;
  /** Processes that share the work. */
  readonly jobs: number;
  /** Pages of every plan; undefined where each has its own number. */
  readonly tabs: number | undefined;
  /** One seed alone, with its plan and its timeline. */
  readonly isSingle: boolean;
  /** Ends with the first violation. */
  readonly isFirst: boolean;
}

/**
 * Reads `--seeds N --from S --seed N --jobs N --first --tabs N`; throws on anything else. `--tabs` gives every plan this
 * number of pages at most, which all of its seeds open at once.
 */
export function readArguments(args: readonly string[]): SimArguments {
  const { values } = parseArgs({
    args: [...args],
    options: {
      from: { type: 'string', default: '1' },
      seed: { type: 'string' },
      seeds: { type: 'string' },
      jobs: { type: 'string' },
      tabs: { type: 'string' },
      first: { type: 'boolean', default: false },
    },
  });
  const isSingle = values.seed !== undefined;
  return {
    isSingle,
    isFirst: values.first,
    tabs: values.tabs === undefined ? undefined : count('tabs', values.tabs),
    from: count('from', values.seed ?? values.from),
    seeds: isSingle ? 1 : count('seeds', values.seeds ?? `${simLimits.seeds}`),
    jobs: isSingle ? 1 : count('jobs', values.jobs ?? `${availableParallelism()}`),
  };
}

function count(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new Error(`--${name} takes a number from 1 on`);
  return value;
}
