import type { TabApi, TabItem } from '../worker/core/hub-api.ts';
import { createBatchLine } from './batch-line.ts';
import * as tabLimits from './limits.ts';

/** What batches need of their tab. */
interface BatchTaker {
  /** The hub that the tab is attached to: one that was left, or deposed while it was frozen, may still be heard. */
  hubId(): string | null;
  /** Takes one item. A promise is one of a content that has to be read. */
  take(item: TabItem): void | Promise<void>;
  /** Whether the tab has a subscription of this number. */
  has(sub: number): boolean;
}

/** Takes the batches of the hub that the tab is attached to, and nothing of any other. */
export function createBatches({ hubId, take, has }: BatchTaker) {
  const answered = createBatchLine();
  /** Of a hub that has attached this tab, while its answer to that is still on its way, or not yet looked at. */
  const early: (() => void)[] = [];

  /**
   * What comes early can be of an attachment before: of its subscriptions and presence lists nothing is taken,
   * for they begin anew with this one.
   */
  function takeAll(from: string, items: readonly TabItem[], isEarly: boolean): ReturnType<TabApi['deliver']> {
    const begun = (item: TabItem) => 'sub' in item || 'watch' in item;
    const own = new Set(items.filter((item) => from === hubId() && !(isEarly && begun(item))));
    const reads = Array.from(own, take).filter((read) => read !== undefined);
    // Nor has a handler seen what is not taken.
    const isSeen = (item: TabItem & { sub: number }) => own.has(item) && has(item.sub);
    const endedSubs = () => items.flatMap((item) => ('sub' in item && !isSeen(item) ? [item.sub] : []));
    return answered(reads, endedSubs);
  }

  const deliver: TabApi['deliver'] = (from, _number, items) => {
    if (hubId() !== null) return takeAll(from, items, false);
    return new Promise((resolve) => {
      early.push(() => resolve(takeAll(from, items, true)));
      if (early.length > tabLimits.earlyBatches) early.shift()!();
    });
  };

  return {
    deliver,
    /** The tab is attached, or has left: what came before that is taken, or let go. */
    takeEarly: (): void => early.splice(0).forEach((run) => run()),
  };
}
