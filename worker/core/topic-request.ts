import type { TraceContext } from '../../src/protocol/trace-context.ts';
import type { Position } from './hub-api.ts';

/** Something to say to the server about a topic. */
export type TopicRequest =
  | {
      readonly kind: 'subscribe';
      readonly topic: string;
      readonly id: string;
      readonly replay: number;
      readonly resume: Position | null;
      /** The large message after `resume`, and how much of it has come. */
      readonly partial?: { readonly offset: number; readonly received: number };
      /** Of the subscription because of which the topic is asked for. */
      readonly trace: TraceContext | undefined;
    }
  | { readonly kind: 'unsubscribe'; readonly topic: string };
