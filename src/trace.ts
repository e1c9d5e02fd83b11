import { traceContextOf, type TraceContext } from './protocol/trace-context.ts';
import { report } from './report.ts';

/** Gives where the page is in a trace at this moment, or nothing where it is in none. */
export type TraceSource = () => TraceContext | undefined;

/** Asks the app. What goes wrong there, or is no trace context, is no reason to keep a message back. */
export const readTrace = (source: TraceSource | undefined) => (): { readonly trace?: TraceContext } => {
  if (!source) return {};
  try {
    const trace = traceContextOf(source());
    return trace ? { trace } : {};
  } catch (error) {
    report(error);
    return {};
  }
};
