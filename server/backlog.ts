import { StallWatch, type StallWatchOwner } from './gate/stall-watch.ts';

/** What a backlog needs of its transport. */
export interface BacklogOwner extends StallWatchOwner {
  /** Has `gone` called once the operating system has what waits now; false where that needs nothing, or cannot be. */
  tellWhenGone(gone: () => void): boolean;
  /** What waited has gone. */
  drained(): void;
}

/** What waits for a peer that does not take everything at once. */
export class Backlog {
  readonly #owner: BacklogOwner;
  readonly #stall: StallWatch;
  /** Whether a write is under way that tells when what waits has gone. */
  #isAwaiting = false;

  constructor(owner: BacklogOwner) {
    this.#owner = owner;
    this.#stall = new StallWatch(owner);
  }

  /** More waits now. One write tells for all, for it costs as much as another one. */
  grown(): void {
    this.#stall.sent();
    if (!this.#isAwaiting) this.#isAwaiting = this.#owner.tellWhenGone(this.gone);
  }

  /** What waited has gone, or its connection has: a close follows an error. */
  readonly gone = (): void => {
    this.#isAwaiting = false;
    this.#stall.progressed();
    this.#owner.drained();
    if (this.#owner.isWaiting()) this.grown();
  };

  /** Nothing more is waited for. */
  end(): void {
    this.#stall.end();
  }
}
