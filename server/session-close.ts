/** Closes a connection with a code of `src/protocol/close-codes.ts`, and a reason for the log of the client. */
export type SessionClose = (code: number, reason: string) => void;
