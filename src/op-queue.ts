import type { PushReply, TabOp } from '../worker/core/hub-api.ts';
import { withDeadline } from '../worker/deadline.ts';
import * as tabLimits from './limits.ts';
import { report } from './report.ts';
import type { TabWorld } from './tab-world.ts';

/** Where batches go. */
export interface OpTarget {
  push(ops: readonly TabOp[]): Promise<PushReply>;
  /** An op goes out. */
  pushed(op: TabOp): void;
  /** The hub does not know this tab, or did not answer in time. */
  lost(): void;
}

/** Operations on their way to one hub. */
export interface OpQueue {
  /** Queues an operation; those of one turn of the event loop travel together. */
  push(op: TabOp): void;
  close(): void;
}

/** Sends operations to the hub in batches with credit, beginning with `ops`. */
export function createOpQueue(target: OpTarget, ops: TabOp[], world: Pick<TabWorld, 'after'>): OpQueue {
  let underWay = 0;
  let isScheduled = false;
  let isClosed = false;

  function pump(): void {
    isScheduled = false;
    while (!isClosed && ops.length > 0 && underWay < tabLimits.batchesUnderWay) {
      const batch = ops.splice(0, tabLimits.batchOps);
      batch.forEach(target.pushed);
      void send(batch);
    }
  }

  async function send(batch: readonly TabOp[]): Promise<void> {
    underWay += 1;
    const reply = await withDeadline(target.push(batch).catch(report), tabLimits.pushTimeoutMs, world);
    if (isClosed) return;
    if (reply !== 'taken') return target.lost();
    underWay -= 1;
    pump();
  }

  pump();
  return {
    push(op) {
      ops.push(op);
      if (isScheduled) return;
      isScheduled = true;
      queueMicrotask(pump);
    },
    close() {
      isClosed = true;
    },
  };
}
