/** Spans of OpenTelemetry: an entry of its own, because it needs a package that not every server has. */
export { openTelemetry, type OpenTelemetryOptions } from './sight/open-telemetry.ts';
export type { TracedSpan, TracedWork, Tracing } from './sight/tracing-types.ts';
export type { TraceContext } from '../src/protocol/trace-context.ts';
