import type { World } from './world.ts';

/** One kind of fault. */
export interface Fault {
  /** Makes it happen. Gives what a reader of the log should know, or null where there was nothing to break. */
  begin(world: World, pick: number): Promise<string | null> | string | null;
  /** Ends it, so that everything can go on. Gives what came of it, if a reader should know that, too. */
  end(world: World): Promise<string | void> | string | void;
}
