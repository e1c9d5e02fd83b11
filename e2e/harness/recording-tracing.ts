import { AsyncLocalStorage } from 'node:async_hooks';
import type { TracedSpan, TracedWork, Tracing } from 'onesocket/server';
import type { SpanSeen, TracedCall } from './server-contract.ts';

/** A tracing system that keeps every span, and carries each trace on under a parent id of its own. */
export class RecordingTracing implements Tracing {
  readonly spans: SpanSeen[] = [];
  readonly calls: TracedCall[] = [];
  readonly #here = new AsyncLocalStorage<string | null>();

  begin({ kind, topic, parent }: TracedWork): TracedSpan {
    this.spans.push({ kind, topic, traceparent: parent?.traceparent ?? null });
    const traceparent = parent ? this.#child(parent.traceparent) : null;
    return {
      trace: traceparent === null ? undefined : { traceparent },
      run: (call) => this.#here.run(traceparent, call),
      end: () => {},
    };
  }

  /** Keeps in which span a hook or handler is called. */
  saw(call: TracedCall['call']): void {
    this.calls.push({ call, traceparent: this.#here.getStore() ?? null });
  }

  /** The place after a parent: another parent id, in the same trace. */
  #child(traceparent: string): string {
    const [version, traceId, , flags] = traceparent.split('-');
    return [version, traceId, this.spans.length.toString(16).padStart(16, '0'), flags].join('-');
  }
}
