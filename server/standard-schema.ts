// The part of Standard Schema (https://standardschema.dev, version 1) that is needed: types alone, so that an app brings
// the library of its choice and the server depends on none.

/** A schema of any library that speaks Standard Schema: valibot, zod, ArkType and others. */
export interface StandardSchema<Output = unknown> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    readonly types?: { readonly input: unknown; readonly output: Output } | undefined;
  };
}

/** What comes of a validation. */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

/** What is wrong, and where. */
export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** The type of what a schema lets through. */
export type OutputOf<S> = S extends {
  readonly '~standard': { readonly types?: infer T };
}
  ? NonNullable<T> extends { readonly output: infer Output }
    ? Output
    : unknown
  : unknown;
