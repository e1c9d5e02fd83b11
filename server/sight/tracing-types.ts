import type { TraceContext } from '../../src/protocol/trace-context.ts';

/** What a span is about. */
export interface TracedWork {
  readonly kind: 'publish' | 'request' | 'subscribe';
  /** The topic; of a request, its method. */
  readonly topic: string;
  /** The id of the message or request. */
  readonly id: string;
  /** Where the client's trace was; undefined where it named none. */
  readonly parent: TraceContext | undefined;
}

/** One span, until its end. */
export interface TracedSpan {
  /** Where the trace is now: what the message of a publish carries on. Undefined where nobody follows it. */
  readonly trace: TraceContext | undefined;
  /** Calls a hook or handler so that it, and whatever it begins, is inside of the span. */
  run<T>(call: () => T): T;
  /** Ends the span; with the code of what went wrong, where something did. */
  end(error?: string): void;
}

/** The seam to a tracing system: `openTelemetry()` of `onesocket/server/tracing` is one. Its methods must not throw. */
export interface Tracing {
  /** Begins a span. */
  begin(work: TracedWork): TracedSpan;
}
