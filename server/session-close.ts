import type * as closeCodes from '../src/protocol/close-codes.ts';

/** Closes a connection with a close code by its name, and a reason for the log of the client. */
export type SessionClose = (name: keyof typeof closeCodes, reason: string) => void;
