import { isRecord } from '../src/protocol/field.ts';
import type { RequestContext, RequestHandler } from './hooks.ts';
import * as serverLimits from './limits.ts';
import { chain } from './maybe-promise.ts';
import { RequestError } from './request-error.ts';
import type { OutputOf, SchemaIssue, SchemaResult, StandardSchema } from './standard-schema.ts';

/** A request handler behind a schema: what does not fit is answered `invalid-payload`, and never reaches it. */
export interface ValidatedRequest<S> {
  /** A schema of any library that speaks Standard Schema. */
  readonly input: S & StandardSchema;
  /** Gets what the schema has made of the input. */
  readonly handle: (input: OutputOf<S>, context: RequestContext) => unknown;
}

/** Request handlers by method: functions, or with a schema in front. */
export type RequestHandlers<S> = { readonly [M in keyof S]: RequestHandler | ValidatedRequest<S[M]> };

/** The handler that a method has in the options; undefined where it is none. */
export function asHandler(given: unknown): RequestHandler | undefined {
  if (typeof given === 'function') return given as RequestHandler;
  if (!isRecord(given) || typeof given['handle'] !== 'function') return undefined;
  // A schema may be a function with properties.
  const input = given['input'] as Partial<StandardSchema> | undefined;
  const validate = input?.['~standard']?.validate;
  if (typeof validate !== 'function') return undefined;
  return validating(given as unknown as ValidatedRequest<StandardSchema>);
}

const validating =
  ({ input, handle }: ValidatedRequest<StandardSchema>): RequestHandler =>
  (payload, context) =>
    chain<SchemaResult<unknown>, unknown>(input['~standard'].validate(payload), (result) => {
      if (result.issues) throw new RequestError('invalid-payload', textOf(result.issues));
      // An input that took long to validate may not be wanted any more.
      context.signal.throwIfAborted();
      return handle(result.value, context);
    });

/** The first issues, each with its path. */
function textOf(issues: readonly SchemaIssue[]): string {
  const shown = issues.slice(0, serverLimits.schemaIssues).map(({ message, path = [] }) => {
    const place = path.map((part) => String(typeof part === 'object' ? part.key : part)).join('.');
    const text = message.slice(0, serverLimits.schemaIssueLength);
    return place ? `${place.slice(0, serverLimits.schemaIssueLength)}: ${text}` : text;
  });
  const more = issues.length - shown.length;
  return more > 0 ? `${shown.join('; ')}; and ${more} more` : shown.join('; ') || 'invalid input';
}
