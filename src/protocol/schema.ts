import type { clientSchema } from './client-schema.ts';
import type { common } from './common-fields.ts';
import type { FieldValues } from './field.ts';
import type { serverSchema } from './server-schema.ts';

type EnvelopeOf<Schema> = {
  [T in keyof Schema]: { readonly type: T } & FieldValues<typeof common> & FieldValues<Schema[T]>;
}[keyof Schema];

/** An envelope from the hub to the server. */
export type ClientEnvelope = EnvelopeOf<typeof clientSchema>;

/** An envelope from the server to the hub. */
export type ServerEnvelope = EnvelopeOf<typeof serverSchema>;

/** The client envelope of one type. */
export type ClientMessage<T extends ClientEnvelope['type']> = Extract<ClientEnvelope, { type: T }>;

/** The server envelope of one type. */
export type ServerMessage<T extends ServerEnvelope['type']> = Extract<ServerEnvelope, { type: T }>;
