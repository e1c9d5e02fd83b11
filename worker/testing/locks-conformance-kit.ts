import type { Locks } from '../locks.ts';
import type { recorder } from './recorder.ts';

/** What the adapter's own test brings along. */
export interface LocksUnderTest {
  readonly locks: Locks;
  /** A name that no other case uses. */
  newName(): string;
  /**
   * Takes a lock in something that can die, such as a page or a worker. Settles once it is held; the function kills
   * the holder without a word to anybody.
   */
  holdElsewhere(name: string): Promise<() => void>;
}

/** One rule. */
export interface LocksCase {
  /** A sentence in the present tense. */
  readonly name: string;
  readonly run: (test: LocksUnderTest) => Promise<void>;
}

/** Settles once everything has come that was on its way: locks are granted in the order in which they are asked for. */
export async function roundTrip({ locks, newName }: LocksUnderTest): Promise<void> {
  const name = newName();
  for (let count = 0; count < 3; count++) (await locks.hold(name))();
}

/** Waits for a free lock, and notes it under a name. */
export const watch = (
  { locks }: LocksUnderTest,
  name: string,
  log: ReturnType<typeof recorder>,
  as: string,
) => locks.whenFree(name, () => log.note(as));
