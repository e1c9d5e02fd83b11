import type { Clock } from '../clock.ts';
import * as durableLimits from './limits.ts';

/** What a call became in the transaction that it is part of. */
export type Prepared =
  /** `committed` answers the call; it runs when the transaction is durable. */
  | { readonly kind: 'prepared'; readonly committed: () => void }
  /** Not in this transaction, but in the next. */
  | { readonly kind: 'postponed' };

/** A call that waits for its transaction. */
export interface WaitingCall {
  /** Bytes that it brings along. */
  readonly bytes: number;
  /** Adds its changes to the transaction; what it throws rejects this call only. */
  prepare(): Prepared;
  failed(reason: unknown): void;
}

/**
 * Group commit: the calls of one turn become one transaction. A commit blocks the process until the disk has it;
 * what comes over the network meanwhile is read in the next turn, and is the next group.
 */
export class CallQueue {
  readonly #clock: Clock;
  readonly #commit: () => void;
  #waiting: WaitingCall[] = [];
  #bytes = 0;
  #armed = false;

  /** `commit` makes durable what the calls have prepared, or throws. */
  constructor(clock: Clock, commit: () => void) {
    this.#clock = clock;
    this.#commit = commit;
  }

  /** Whether so much waits that nothing large should join. */
  get isFull(): boolean {
    return this.#bytes > durableLimits.waitingBytes;
  }

  /** Lets a call wait for the next transaction. */
  push(call: WaitingCall): void {
    this.#waiting.push(call);
    this.#bytes += call.bytes;
    this.#arm();
  }

  /** Carries out all that waits, now. */
  drain(): void {
    while (this.#waiting.length > 0) this.#run();
  }

  #arm(): void {
    if (this.#armed) return;
    this.#armed = true;
    this.#clock.defer(() => {
      this.#armed = false;
      this.#run();
      if (this.#waiting.length > 0) this.#arm();
    });
  }

  #run(): void {
    const prepared: { readonly call: WaitingCall; readonly committed: () => void }[] = [];
    const taken = this.#prepare(prepared);
    this.#waiting.splice(0, taken);
    try {
      this.#commit();
    } catch (reason) {
      for (const { call } of prepared) call.failed(reason);
      return;
    }
    for (const { committed } of prepared) committed();
  }

  #prepare(prepared: { readonly call: WaitingCall; readonly committed: () => void }[]): number {
    let bytes = 0;
    let taken = 0;
    for (const call of this.#waiting) {
      if (taken >= durableLimits.transactionCalls || bytes > durableLimits.transactionBytes) break;
      try {
        const result = call.prepare();
        if (result.kind === 'postponed') break;
        prepared.push({ call, committed: result.committed });
      } catch (reason) {
        call.failed(reason);
      }
      taken++;
      bytes += call.bytes;
    }
    this.#bytes -= bytes;
    return taken;
  }
}
