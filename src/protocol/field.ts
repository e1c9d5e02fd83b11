/**
 * Field descriptors: the wire schema as plain data. The decoder interprets it, the TypeScript types are
 * inferred from it, and the schema test hashes it, so that the three cannot disagree.
 */
export type Field =
  | { readonly kind: 'string'; readonly max: number }
  | { readonly kind: 'uint'; readonly max: number }
  | { readonly kind: 'boolean' }
  | { readonly kind: 'json' }
  | { readonly kind: 'enum'; readonly values: readonly string[] }
  | { readonly kind: 'list'; readonly of: Field; readonly max: number }
  | { readonly kind: 'object'; readonly fields: Fields }
  | { readonly kind: 'optional'; readonly of: Field };

/** The fields of an object, by name. Unknown fields in a message are ignored. */
export type Fields = { readonly [name: string]: Field };

/** The value that a checked field has. */
type FieldValue<F> = F extends { kind: 'string' }
  ? string
  : F extends { kind: 'uint' }
    ? number
    : F extends { kind: 'boolean' }
      ? boolean
      : F extends { kind: 'json' }
        ? unknown
        : F extends { kind: 'enum'; values: readonly (infer V)[] }
          ? V
          : F extends { kind: 'list'; of: infer Item }
            ? readonly FieldValue<Item>[]
            : F extends { kind: 'object'; fields: infer O }
              ? FieldValues<O>
              : never;

type OptionalKeys<O> = { [K in keyof O]: O[K] extends { kind: 'optional' } ? K : never }[keyof O];

/** The object that checked fields make. */
export type FieldValues<O> = {
  readonly [K in Exclude<keyof O, OptionalKeys<O>>]: FieldValue<O[K]>;
} & {
  readonly [K in OptionalKeys<O>]?: O[K] extends { of: infer Of } ? FieldValue<Of> : never;
};

/** Non-empty text of at most `max` UTF-16 code units. */
export const string = <const M extends number>(max: M) => ({ kind: 'string', max }) as const;

/** A non-negative safe integer. */
export const uint = (max: number = Number.MAX_SAFE_INTEGER) => ({ kind: 'uint', max }) as const;

export const boolean = { kind: 'boolean' } as const;

/** Any JSON value, or the raw bytes of a binary frame. */
export const json = { kind: 'json' } as const;

export const oneOf = <const V extends readonly string[]>(...values: V) => ({ kind: 'enum', values }) as const;

export const list = <const F extends Field>(of: F, max: number) => ({ kind: 'list', of, max }) as const;

export const object = <const O extends Fields>(fields: O) => ({ kind: 'object', fields }) as const;

export const optional = <const F extends Field>(of: F) => ({ kind: 'optional', of }) as const;

/** Says what is wrong with `value`, or undefined when it is what the field asks for. */
export function violation(field: Field, value: unknown, path: string): string | undefined {
  if (field.kind === 'object' && isRecord(value)) return fieldsViolation(field.fields, value, path);
  if (field.kind === 'list' && Array.isArray(value) && value.length <= field.max) {
    return itemsViolation(field.of, value, path);
  }
  if (field.kind === 'optional') return value === undefined ? undefined : violation(field.of, value, path);
  const rule = brokenRule(field, value);
  return rule && `${path} must be ${rule}`;
}

function brokenRule(field: Exclude<Field, { kind: 'optional' }>, value: unknown): string | undefined {
  switch (field.kind) {
    case 'json':
      return value === undefined ? 'there' : undefined;
    case 'string':
      return typeof value === 'string' && value !== '' && value.length <= field.max
        ? undefined
        : `a string of 1 to ${field.max} characters`;
    case 'uint':
      return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= field.max
        ? undefined
        : `an integer from 0 to ${field.max}`;
    case 'boolean':
      return typeof value === 'boolean' ? undefined : 'a boolean';
    case 'enum':
      return field.values.includes(value as string) ? undefined : `one of ${field.values.join(', ')}`;
    case 'list':
      return `a list of at most ${field.max}`;
    case 'object':
      return 'an object';
    default:
      return field satisfies never;
  }
}

/** The first violation among the named fields of `record`. Paths are built for those that broke a rule alone. */
export function fieldsViolation(
  fields: Fields,
  record: Record<string, unknown>,
  path: string,
): string | undefined {
  for (const name in fields) {
    const found = violation(fields[name]!, record[name], name);
    if (found) return `${path}.${found}`;
  }
  return undefined;
}

function itemsViolation(of: Field, items: readonly unknown[], path: string): string | undefined {
  for (let index = 0; index < items.length; index++) {
    const found = violation(of, items[index], `[${index}]`);
    if (found) return path + found;
  }
  return undefined;
}

/** True for an object that is neither null nor an array. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
