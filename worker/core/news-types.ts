import type { ErrorData } from '../../src/protocol/errors.ts';

/** Somebody who is in a topic. */
export interface Member {
  readonly identity: string;
  /** Since when, in milliseconds since the Unix epoch. */
  readonly since: number;
  /** What the server made public of them, where it did. */
  readonly info?: unknown;
}

/** What a tab tells the hub of signals and presence. */
export type NewsOp =
  /** Sent now or never; a drop is told by `signal-dropped`. */
  | { readonly kind: 'send-signal'; readonly topic: string; readonly json: string }
  /** Follows who is in a topic. `resumes`: the tab has a list of an earlier hub. */
  | { readonly kind: 'watch'; readonly watch: number; readonly topic: string; readonly resumes: boolean }
  | { readonly kind: 'unwatch'; readonly watch: number };

/** What the hub tells a tab of them. */
export type NewsItem =
  | { readonly kind: 'signal'; readonly sub: number; readonly identity: string; readonly json: string }
  | { readonly kind: 'signal-dropped'; readonly topic: string; readonly error: ErrorData }
  /** All who are there, or the first of them; `count` is how many there are. */
  | {
      readonly kind: 'presence';
      readonly watch: number;
      readonly members: readonly Member[];
      readonly count: number;
    }
  | {
      readonly kind: 'presence-change';
      readonly watch: number;
      readonly joined?: Member | undefined;
      readonly left?: Member | undefined;
      /** Who was there already, and takes the place of `left` in a list that is cut. */
      readonly named?: Member | undefined;
      readonly count: number;
    }
  | { readonly kind: 'presence-ended'; readonly watch: number; readonly error: ErrorData };
