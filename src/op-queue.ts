import {
  batchTaken,
  createBatchWindow,
  hasCredit,
  nextBatch,
  type BatchWindow,
} from '../worker/core/batch-window.ts';
import type { PushReply, TabOp } from '../worker/core/hub-api.ts';
import { withDeadline } from '../worker/deadline.ts';
import * as tabLimits from './limits.ts';
import { pageTimers } from './page-timers.ts';

/** Where batches go. */
interface Target {
  readonly push: (ops: readonly TabOp[]) => Promise<PushReply>;
  readonly window: BatchWindow;
}

/**
 * Operations on their way to the hub, in batches with credit. While no hub is attached it holds nothing: what
 * still matters then is told anew with the attachment.
 */
export class OpQueue {
  #ops: TabOp[] = [];
  #target: Target | null = null;
  #isScheduled = false;
  readonly #onPushed: (op: TabOp) => void;
  readonly #onLost: () => void;

  /** `onPushed` is told of every op that went out; `onLost` that the hub does not know or answer this tab. */
  constructor(onPushed: (op: TabOp) => void, onLost: () => void) {
    this.#onPushed = onPushed;
    this.#onLost = onLost;
  }

  /** Begins with these operations at a hub. */
  open(push: Target['push'], ops: readonly TabOp[]): void {
    this.#ops = [...ops];
    this.#target = { push, window: createBatchWindow(tabLimits.batchesUnderWay) };
    this.#pump();
  }

  close(): void {
    this.#ops = [];
    this.#target = null;
  }

  /** Queues an operation; those of one turn of the event loop travel together. */
  push(op: TabOp): void {
    if (!this.#target) return;
    this.#ops.push(op);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      this.#pump();
    });
  }

  #pump(): void {
    while (this.#target && this.#ops.length > 0 && hasCredit(this.#target.window)) {
      const batch = this.#ops.splice(0, batchLength(this.#ops));
      for (const op of batch) this.#onPushed(op);
      void this.#send(this.#target, batch);
    }
  }

  async #send(target: Target, batch: readonly TabOp[]): Promise<void> {
    const number = nextBatch(target.window);
    const reply = await withDeadline(target.push(batch), tabLimits.pushTimeoutMs, pageTimers);
    if (target !== this.#target) return;
    if (reply !== 'taken') return this.#onLost();
    batchTaken(target.window, number);
    this.#pump();
  }
}

/** How many operations from the front make the next batch. */
function batchLength(ops: readonly TabOp[]): number {
  let size = 0;
  for (let index = 0; index < Math.min(ops.length, tabLimits.batchOps); index++) {
    const op = ops[index]!;
    if ('json' in op) size += op.json?.length ?? 0;
    if ('bytes' in op) size += op.bytes?.byteLength ?? 0;
    if (size > tabLimits.batchChars) return index + 1;
  }
  return Math.min(ops.length, tabLimits.batchOps);
}
