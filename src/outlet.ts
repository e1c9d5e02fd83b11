import type { TabOp } from '../worker/core/hub-api.ts';
import type { ConnectionError } from './protocol/errors.ts';
import type { TraceContext } from './protocol/trace-context.ts';
import type { Sight } from './sight.ts';
import type { TabWorld } from './tab-world.ts';

/** A part's way out of the tab. */
export interface Outlet {
  readonly world: Pick<TabWorld, 'now' | 'after' | 'randomId'>;
  /** Queues an op. While no hub is attached it is dropped: what matters then is told by `resume`. */
  push(op: TabOp): void;
  /** Why everything from now on fails; null while this tab is in use. */
  ended(): ConnectionError | null;
  /** Counts and measures. */
  readonly sight?: Sight;
  /** Where the page is in a trace now, as a field of an op; empty where it is in none. */
  trace?(): { readonly trace?: TraceContext };
}
