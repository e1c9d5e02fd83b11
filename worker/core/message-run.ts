import type { ServerMessage } from '../../src/protocol/schema.ts';
import { isLarge } from './download.ts';

/** Whether a payload came in a binary frame. */
export const isBytes = (payload: unknown): payload is Uint8Array => payload instanceof Uint8Array;

/** Whether a message is a record of its own. */
export const isSingle = (message: ServerMessage<'message'>): boolean =>
  isBytes(message.payload) || isLarge(message);

/** Whether the message at `index` continues the run of the one before it. */
export function continues(messages: readonly ServerMessage<'message'>[], index: number): boolean {
  const before = messages[index - 1]!;
  const message = messages[index]!;
  return (
    message.topic === before.topic &&
    message.epoch === before.epoch &&
    message.offset === before.offset + 1 &&
    !isSingle(message)
  );
}

/** A field that is there only where something is traced. */
export const traced = (trace: unknown) => (trace === undefined ? {} : { trace });

/** A message in the rows of a record. */
export const rowOf = ({ id, ts, payload, trace }: ServerMessage<'message'>): unknown[] =>
  trace === undefined ? [id, ts, payload] : [id, ts, payload, trace];
