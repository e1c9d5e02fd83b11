import { traceContextOf, type TraceContext } from '../../src/protocol/trace-context.ts';
import type { Measures } from './measures.ts';
import type { TracedSpan, TracedWork, Tracing } from './tracing-types.ts';

/** Work of a client that has a span, as it came. */
interface Work extends Pick<TracedWork, 'kind' | 'topic' | 'id'> {
  /** What the client sent as its trace context. */
  readonly trace: unknown;
}

/**
 * The spans of one connection that have not ended, by keys of their owners. There are no more than publishes in process,
 * requests that run and subscriptions without an answer, all of which have bounds.
 */
export class Spans {
  readonly #tracing: Tracing;
  readonly #measures: Measures;
  readonly #open = new Map<string, TracedSpan>();

  constructor(tracing: Tracing, measures: Measures) {
    this.#tracing = tracing;
    this.#measures = measures;
  }

  /** Begins a span. What is no trace context is ignored: it must not keep a message from its topic. */
  begin(key: string, { trace, ...work }: Work): void {
    const parent = traceContextOf(trace);
    if (trace !== undefined && !parent) this.#measures.invalidTraces++;
    this.end(key, 'replaced');
    this.#open.set(key, this.#tracing.begin({ ...work, parent }));
  }

  /** Calls inside of the span, where it has not ended. */
  run<T>(key: string, call: () => T): T {
    const span = this.#open.get(key);
    return span ? span.run(call) : call();
  }

  /** Where the trace of a span is. */
  trace(key: string): TraceContext | undefined {
    return this.#open.get(key)?.trace;
  }

  /** Ends a span, where there is one; with a code where something went wrong. */
  end(key: string, error?: string): void {
    const span = this.#open.get(key);
    if (!span) return;
    this.#open.delete(key);
    span.end(error);
  }

  /** The connection has ended. */
  endAll(): void {
    for (const key of this.#open.keys()) this.end(key, 'disconnected');
  }
}
