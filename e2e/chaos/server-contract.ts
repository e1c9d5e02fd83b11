import type { HeldLarge } from './story.ts';

/** Settings of the server process, as JSON in the environment variable `CHAOS_SERVER`. */
export interface ChaosServerSettings {
  /** Where the server keeps everything. */
  readonly folder: string;
  /** A fault of the server itself, so that a run shows that it would be found. */
  readonly breaks?: Breakage;
}

/**
 * What a broken server does once in a while: says that it has what it drops, keeps twice, puts behind the next, or
 * damages by one byte of a large content.
 */
export type Breakage = 'drop' | 'double' | 'swap' | 'damage';

/** Name of that environment variable. */
export const chaosServerVariable = 'CHAOS_SERVER';

/** What the runner may ask. */
export type ChaosServerCommand =
  /** Messages of a topic after this offset, answered with {@link HeldMessages}. */
  | { readonly kind: 'read'; readonly topic: string; readonly after: number }
  /** Answered with {@link ServerFacts}. */
  | { readonly kind: 'facts' };

/** A part of what the server holds of a topic. */
export interface HeldMessages {
  /** Offset of the topic's newest message. */
  readonly newest: number;
  readonly messages: readonly (readonly [epoch: string, offset: number, entry: string, large?: HeldLarge])[];
}

/** What the server has seen, since the run began. */
export interface ServerFacts {
  /** Every opening of a client, in order. */
  readonly openings: readonly Opening[];
  /** What must not be. */
  readonly violations: readonly string[];
  readonly connections: number;
  readonly duplicates: number;
}

/** A client was accepted. */
export interface Opening {
  readonly key: string;
  readonly epoch: number;
  readonly at: number;
}
