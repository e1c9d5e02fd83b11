import {
  createTraceState,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  context as contexts,
  trace as traces,
  type Attributes,
  type Context,
  type Span,
  type Tracer,
} from '@opentelemetry/api';
import type { TraceContext } from '../../src/protocol/trace-context.ts';
import type { TracedSpan, TracedWork, Tracing } from './tracing-types.ts';

/** Options of {@link openTelemetry}. */
export interface OpenTelemetryOptions {
  /** Makes the spans. Default: that of the registered tracer provider, with the name `onesocket`. */
  readonly tracer?: Tracer;
}

/**
 * Traces publishes, requests and subscriptions with OpenTelemetry: each is a span of the kind `SERVER`, the child of the
 * span that its tab was in. Hooks, request handlers and the backbone are called inside of it. Topics, methods and ids
 * are attributes; names of spans are bounded, and no payload, identity or token is in a span.
 *
 * @example
 * const server = createServer({ tracing: openTelemetry() });
 */
export function openTelemetry(options: OpenTelemetryOptions = {}): Tracing {
  return {
    // Asked for with each span: a provider that is registered later counts too.
    begin: (work) => begin(options.tracer ?? traces.getTracer('onesocket'), work),
  };
}

function begin(tracer: Tracer, work: TracedWork): TracedSpan {
  const parent = work.parent ? traces.setSpanContext(ROOT_CONTEXT, remote(work.parent)) : ROOT_CONTEXT;
  const options = { kind: SpanKind.SERVER, attributes: attributesOf(work) };
  const span = tracer.startSpan(`onesocket ${work.kind}`, options, parent);
  return new OpenTelemetrySpan(span, traces.setSpan(parent, span));
}

class OpenTelemetrySpan implements TracedSpan {
  readonly #span: Span;
  readonly #context: Context;

  constructor(span: Span, context: Context) {
    this.#span = span;
    this.#context = context;
  }

  get trace(): TraceContext | undefined {
    const { traceId, spanId, traceFlags, traceState } = this.#span.spanContext();
    if (!traces.isSpanContextValid(this.#span.spanContext())) return undefined;
    const flags = (traceFlags & 0xff).toString(16).padStart(2, '0');
    const tracestate = traceState?.serialize();
    return { traceparent: `00-${traceId}-${spanId}-${flags}`, ...(tracestate && { tracestate }) };
  }

  run<T>(call: () => T): T {
    return contexts.with(this.#context, call);
  }

  end(error?: string): void {
    if (error !== undefined) {
      this.#span.setAttribute('error.type', error);
      this.#span.setStatus({ code: SpanStatusCode.ERROR, message: error });
    }
    this.#span.end();
  }
}

function attributesOf({ kind, topic, id }: TracedWork): Attributes {
  if (kind === 'request') return { 'rpc.system': 'onesocket', 'rpc.method': topic };
  return {
    'messaging.system': 'onesocket',
    'messaging.operation.name': kind,
    'messaging.destination.name': topic,
    ...(kind === 'publish' && { 'messaging.message.id': id }),
  };
}

function remote({ traceparent, tracestate }: TraceContext) {
  const [, traceId, spanId, flags] = traceparent.split('-') as [string, string, string, string];
  const traceState = tracestate === undefined ? undefined : createTraceState(tracestate);
  // Only the flags that this version of the specification knows.
  const traceFlags = Number.parseInt(flags, 16) & TraceFlags.SAMPLED;
  return { traceId, spanId, traceFlags, isRemote: true, ...(traceState && { traceState }) };
}
