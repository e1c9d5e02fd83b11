import { isRecord } from './field.ts';
import * as protocolLimits from './limits.ts';

/** A place in a distributed trace, as W3C Trace Context writes it. */
export interface TraceContext {
  /** Version, trace id, parent id and flags in lower-case hexadecimal: `00-<32>-<16>-<2>`. */
  readonly traceparent: string;
  /** What tracing systems keep beside it: printable ASCII, at most 512 characters. */
  readonly tracestate?: string;
}

const traceparentShape = /^(?!ff)[\da-f]{2}-(?!0{32})[\da-f]{32}-(?!0{16})[\da-f]{16}-[\da-f]{2}$/;
const tracestateShape = /^[\x20-\x7e]+$/;

/**
 * The trace context in a value of whatever origin, with no field but its own; undefined where there is none. A
 * `tracestate` that cannot be passed on is left out, as the specification has it (section 3.3.1).
 */
export function traceContextOf(value: unknown): TraceContext | undefined {
  if (!isRecord(value)) return undefined;
  const { traceparent, tracestate } = value;
  if (typeof traceparent !== 'string' || !traceparentShape.test(traceparent)) return undefined;
  const isSound =
    typeof tracestate === 'string' &&
    tracestate.length <= protocolLimits.tracestateLength &&
    tracestateShape.test(tracestate);
  return isSound ? { traceparent, tracestate } : { traceparent };
}
